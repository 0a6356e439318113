with source as (

    select * from {{ source('xledger', 'system_value') }}

),

renamed as (

    select
        owner_db_id,
        db_id as system_value_db_id,
        code as system_value_code,
        name as system_value_name
    from source

)

select * from renamed
