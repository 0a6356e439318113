with source as (

    select * from {{ source('xledger', 'country') }}

),

renamed as (

    select
        owner_db_id,
        db_id as country_db_id,
        code as country_code,
        description as country_name
    from source

)

select * from renamed
