with items as (

    select * from {{ ref('int_ap_items_classified') }}

),

-- A bank voucher's supplier items are the payments of invoices that were booked elsewhere. They say nothing about its
-- cost lines, unless the supplier was both credited and paid in the same voucher.
invoice_items as (

    select *
    from items
    where supplier_db_id is not null and header_db_id is not null
    qualify
        document_role <> 'bank'
        or (
            amount < 0
            and sum(amount) over (partition by owner_db_id, header_db_id, supplier_db_id) = 0
        )

),

summarised as (

    select
        owner_db_id,
        header_db_id,
        supplier_db_id,
        invoice_key,
        min(invoice_number) as invoice_number,
        min(invoice_date) as invoice_date,
        min(due_date) as due_date,
        case when bool_and(is_settled) then max(paid_date) end as paid_date,
        -sum(amount) as gross_amount
    from invoice_items
    group by owner_db_id, header_db_id, supplier_db_id, invoice_key

)

select * from summarised
