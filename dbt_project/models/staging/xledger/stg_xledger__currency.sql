with source as (

    select * from {{ source('xledger', 'currency') }}

),

renamed as (

    select
        owner_db_id,
        db_id as currency_db_id,
        code as currency_code,
        description as currency_name
    from source

)

select * from renamed
