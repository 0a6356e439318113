{{ config(materialized='table') }}

with lines as (

    select * from {{ ref('int_ledger_lines_classified') }}

),

dimension_values as (

    select * from {{ ref('int_dimension_values') }}

),

used as (

    {% for number in range(1, 6) %}
        select distinct
            owner_db_id,
            dimension_{{ number }}_db_id as dimension_value_db_id,
            {{ number }} as dimension_number
        from lines
        where dimension_{{ number }}_db_id is not null
        {{ "union all" if not loop.last }}
    {% endfor %}

),

ranked as (

    select
        used.owner_db_id as line_owner_db_id,
        used.dimension_number,
        dimension_values.*,
        {{ own_row_first(
            ['used.owner_db_id', 'used.dimension_number', 'used.dimension_value_db_id'],
            'used.owner_db_id', 'dimension_values.owner_db_id'
        ) }} as register_row
    from used
    inner join dimension_values
        on used.dimension_value_db_id = dimension_values.dimension_value_db_id

),

resolved as (

    select
        line_owner_db_id,
        dimension_number,
        owner_db_id,
        dimension_value_db_id,
        object_kind_db_id,
        dimension_value_code,
        dimension_value_name,
        from_date,
        to_date,
        object_kind
    from ranked
    where register_row = 1

)

select * from resolved
