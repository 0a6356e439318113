with source as (

    select * from {{ source('xledger', 'address') }}

),

renamed as (

    select
        owner_db_id,
        db_id as address_db_id,
        country_db_id,
        street_address,
        zip_code,
        place,
        country_code
    from source

)

select * from renamed
