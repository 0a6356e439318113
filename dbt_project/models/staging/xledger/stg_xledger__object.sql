with source as (

    select * from {{ source('xledger', 'object') }}

),

renamed as (

    select
        owner_db_id,
        db_id as object_db_id,
        object_kind_db_id,
        object_kind_name as object_kind,
        code as object_code,
        description as object_name,
        field_code,
        field_name
    from source

)

select * from renamed
