with source as (

    select * from {{ source('xledger', 'object_value') }}

),

renamed as (

    select
        owner_db_id,
        db_id as object_value_db_id,
        object_kind_db_id,
        code as object_value_code,
        description as object_value_name,
        date_from as from_date,
        date_to as to_date,
        modified_at
    from source

)

select * from renamed
