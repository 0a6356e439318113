with source as (

    select * from {{ source('xledger', 'ap_transaction') }}

),

renamed as (

    select
        owner_db_id,
        db_id as ap_transaction_db_id,
        transaction_header_db_id as header_db_id,
        subledger_db_id as supplier_db_id,
        account_db_id,
        company_db_id,
        currency_db_id,
        ledger_type_db_id,
        header_transaction_source_db_id as document_type_db_id,
        sl_transaction_type_db_id as item_type_db_id,
        payment_status_db_id,
        match_id,
        transaction_header_transaction_source_code as document_type,
        ledger_type_name,
        sl_transaction_type_name as item_type,
        payment_status_name as payment_status,
        invoice_number,
        ext_identifier as external_identifier,
        payment_reference,
        amount,
        invoice_amount as transaction_amount,
        invoice_remaining as transaction_remaining,
        invoice_date,
        due_date,
        last_payment_date,
        header_modified_at
    from source

)

select * from renamed
