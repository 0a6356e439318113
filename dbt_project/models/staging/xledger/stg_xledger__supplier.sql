with source as (

    select * from {{ source('xledger', 'supplier') }}

),

renamed as (

    select
        owner_db_id,
        db_id as supplier_db_id,
        company_db_id,
        contact_db_id,
        currency_db_id,
        pay_terms_db_id,
        subledger_group_db_id,
        ledger_type_db_id,
        address_db_id,
        code as supplier_code,
        description as supplier_name,
        email,
        phone,
        ext_identifier as external_identifier,
        tax_no as tax_number,
        pay_terms_code,
        pay_terms_description as pay_terms,
        subledger_group_code,
        subledger_group_description as subledger_group,
        ledger_type_name,
        bank_account_hash,
        from_date,
        to_date,
        modified_at
    from source

)

select * from renamed
