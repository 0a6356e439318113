with object_values as (

    select * from {{ ref('stg_xledger__object_value') }}

),

objects as (

    select * from {{ ref('stg_xledger__object') }}

),

kinds as (

    select
        object_kind_db_id,
        min(object_kind) as object_kind
    from objects
    group by object_kind_db_id

),

combined as (

    select
        owner_db_id,
        object_value_db_id as dimension_value_db_id,
        object_kind_db_id,
        object_value_code as dimension_value_code,
        object_value_name as dimension_value_name,
        from_date,
        to_date
    from object_values

    union all

    select
        objects.owner_db_id,
        objects.object_db_id as dimension_value_db_id,
        objects.object_kind_db_id,
        objects.object_code as dimension_value_code,
        objects.object_name as dimension_value_name,
        cast(null as date) as from_date,
        cast(null as date) as to_date
    from objects
    left join object_values
        on
            objects.owner_db_id = object_values.owner_db_id
            and objects.object_db_id = object_values.object_value_db_id
    where object_values.object_value_db_id is null

),

with_kind as (

    select
        combined.*,
        kinds.object_kind
    from combined
    left join kinds
        on combined.object_kind_db_id = kinds.object_kind_db_id

)

select * from with_kind
