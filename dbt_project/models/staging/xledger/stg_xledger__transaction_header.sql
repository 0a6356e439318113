with source as (

    select * from {{ source('xledger', 'transaction_header') }}

),

renamed as (

    select
        owner_db_id,
        db_id as header_db_id,
        transaction_source_db_id as document_type_db_id,
        transaction_source_code as document_type,
        transaction_source_description as document_type_name,
        transaction_number as voucher_number,
        fiscal_year,
        posted_date,
        modified_at
    from source

)

select * from renamed
