with invoices as (

    select * from {{ ref('int_ap_invoices_summarised') }}

),

summarised as (

    select
        owner_db_id,
        header_db_id,
        supplier_db_id,
        count(*) as invoice_count,
        sum(gross_amount) as gross_amount,
        case when count(*) = 1 then min(invoice_number) end as invoice_number,
        case when min(invoice_date) = max(invoice_date) then min(invoice_date) end as invoice_date,
        case when min(due_date) = max(due_date) then min(due_date) end as due_date,
        case when count(paid_date) = count(*) then max(paid_date) end as paid_date
    from invoices
    group by owner_db_id, header_db_id, supplier_db_id

)

select * from summarised
