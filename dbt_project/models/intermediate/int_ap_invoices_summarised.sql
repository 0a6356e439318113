with items as (

    select * from {{ ref('stg_xledger__ap_transaction') }}

),

document_types as (

    select * from {{ ref('document_types') }}

),

-- A bank voucher's supplier items are the payments of invoices that were booked elsewhere. They say nothing about its
-- cost lines, unless the supplier was both credited and paid in the same voucher.
invoice_items as (

    select
        items.*,
        coalesce(items.invoice_number, items.external_identifier, 'item ' || items.ap_transaction_db_id) as invoice_key
    from items
    left join document_types
        on items.document_type = document_types.document_type
    where items.supplier_db_id is not null and items.header_db_id is not null
    qualify
        coalesce(document_types.document_role, 'other') <> 'bank'
        or (
            items.amount < 0
            and sum(items.amount) over (
                partition by items.owner_db_id, items.header_db_id, items.supplier_db_id
            ) = 0
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
        -sum(amount) as gross_amount
    from invoice_items
    group by owner_db_id, header_db_id, supplier_db_id, invoice_key

)

select * from summarised
