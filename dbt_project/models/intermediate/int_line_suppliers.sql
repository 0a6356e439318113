{{ config(materialized='table') }}

with attribution as (

    select * from {{ ref('int_supplier_attribution') }}

),

items as (

    select * from {{ ref('int_ap_items_classified') }}

),

suppliers as (

    select * from {{ ref('int_suppliers_normalised') }}

),

used as (

    select
        owner_db_id,
        supplier_db_id
    from attribution
    where supplier_db_id is not null

    union distinct

    select
        owner_db_id,
        supplier_db_id
    from items
    where supplier_db_id is not null

),

-- A supplier whose record was not received is still one supplier, by its id.
ranked as (

    select
        used.owner_db_id as line_owner_db_id,
        used.supplier_db_id,
        coalesce(
            suppliers.supplier_id, {{ source_supplier_id('used.owner_db_id', 'used.supplier_db_id') }}
        ) as supplier_id,
        suppliers.supplier_name,
        suppliers.supplier_org_number,
        suppliers.supplier_country,
        coalesce(suppliers.is_intercompany, false) as is_intercompany,
        {{ own_row_first(
            ['used.owner_db_id', 'used.supplier_db_id'], 'used.owner_db_id', 'suppliers.owner_db_id'
        ) }} as register_row
    from used
    left join suppliers
        on used.supplier_db_id = suppliers.supplier_db_id

),

resolved as (

    select
        line_owner_db_id,
        supplier_db_id,
        supplier_id,
        supplier_name,
        supplier_org_number,
        supplier_country,
        is_intercompany
    from ranked
    where register_row = 1

)

select * from resolved
