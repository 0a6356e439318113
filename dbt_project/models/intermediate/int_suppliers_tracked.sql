with suppliers as (

    select * from {{ ref('int_suppliers_normalised') }}

),

latest_run as (

    select * from {{ ref('int_latest_sync_run') }}

),

tracked as (

    select
        suppliers.owner_db_id,
        suppliers.supplier_db_id,
        suppliers.source_supplier_name as supplier_name,
        suppliers.supplier_org_number,
        suppliers.pay_terms,
        suppliers.bank_account_hash,
        coalesce(latest_run.landed_at, timestamp '1970-01-01 00:00:00') as seen_at
    from suppliers
    left join latest_run
        on true

)

select * from tracked
