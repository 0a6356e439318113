with header_suppliers as (

    select * from {{ ref('int_ap_header_suppliers_summarised') }}

),

summarised as (

    select
        owner_db_id,
        header_db_id,
        count(*) as supplier_count,
        cast(sum(invoice_count) as bigint) as invoice_count,
        sum(gross_amount) as gross_amount,
        case when count(*) = 1 then min(supplier_db_id) end as single_supplier_db_id
    from header_suppliers
    group by owner_db_id, header_db_id

)

select * from summarised
