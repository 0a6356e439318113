with source as (

    select * from {{ source('xledger', 'published_spend') }}

),

renamed as (

    select
        spend_id,
        transaction_db_id,
        owner_db_id,
        owner_name,
        account_code,
        supplier_name,
        posted_date,
        amount_net,
        company_currency,
        run_id,
        landed_at
    from source

)

select * from renamed
