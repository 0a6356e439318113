with dimension_values as (

    select * from {{ ref('int_dimension_values') }}

),

line_dimension_values as (

    select * from {{ ref('int_line_dimension_values') }}

),

used as (

    select
        owner_db_id,
        dimension_value_db_id,
        min(dimension_number) as dimension_number
    from line_dimension_values
    group by owner_db_id, dimension_value_db_id

),

described as (

    select
        dimension_values.owner_db_id,
        dimension_values.dimension_value_db_id,
        used.dimension_number,
        dimension_values.object_kind_db_id,
        dimension_values.object_kind,
        dimension_values.dimension_value_code,
        dimension_values.dimension_value_name,
        dimension_values.from_date,
        dimension_values.to_date
    from dimension_values
    left join used
        on
            dimension_values.owner_db_id = used.owner_db_id
            and dimension_values.dimension_value_db_id = used.dimension_value_db_id

)

select * from described
