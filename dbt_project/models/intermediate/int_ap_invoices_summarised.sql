with items as {{ inlined() }}(

    select * from {{ ref('int_ap_items_classified') }}
    {{ only_changed_vouchers('where') }}

),

-- A bank voucher's supplier items are the payments of invoices that were booked elsewhere. They say nothing about its
-- cost lines, unless the supplier was both credited and paid in the same voucher.
settled_in_bank as (

    select
        owner_db_id,
        header_db_id,
        supplier_db_id
    from items
    where document_role = 'bank'
    group by owner_db_id, header_db_id, supplier_db_id
    having sum(amount) = 0

),

invoice_items as (

    select items.*
    from items
    left join settled_in_bank
        on
            items.owner_db_id = settled_in_bank.owner_db_id
            and items.header_db_id = settled_in_bank.header_db_id
            and items.supplier_db_id = settled_in_bank.supplier_db_id
    where
        items.supplier_db_id is not null
        and items.header_db_id is not null
        and (
            items.document_role <> 'bank'
            or (items.amount < 0 and settled_in_bank.header_db_id is not null)
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
        case when not {{ dbt.bool_or('not is_settled') }} then max(paid_date) end as paid_date,
        -sum(amount) as gross_amount
    from invoice_items
    group by owner_db_id, header_db_id, supplier_db_id, invoice_key

)

select * from summarised
