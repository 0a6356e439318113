with items as (

    select * from {{ ref('int_ap_items_classified') }}

),

headers as (

    select * from {{ ref('int_ap_headers_summarised') }}

),

invoices as (

    select * from {{ ref('int_ap_invoices_summarised') }}

),

-- Only where there are several invoices is a reference looked for.
multi_invoice_items as (

    select items.*
    from items
    inner join headers
        on
            items.owner_db_id = headers.owner_db_id
            and items.header_db_id = headers.header_db_id
    where headers.invoice_count > 1

),

written_references as (

    {% for reference in ['invoice_number', 'external_identifier', 'payment_reference'] %}
        select
            owner_db_id,
            header_db_id,
            supplier_db_id,
            invoice_key,
            {{ reference_key(reference) }} as reference_key
        from multi_invoice_items
        {{ "union distinct" if not loop.last }}
    {% endfor %}

),

of_invoices as (

    select written_references.*
    from written_references
    inner join invoices
        on
            written_references.owner_db_id = invoices.owner_db_id
            and written_references.header_db_id = invoices.header_db_id
            and written_references.supplier_db_id = invoices.supplier_db_id
            and written_references.invoice_key = invoices.invoice_key
    where written_references.reference_key is not null

)

select * from of_invoices
