with items as (

    select * from {{ ref('int_ap_items_classified') }}

),

invoices as (

    select * from {{ ref('int_ap_invoices_summarised') }}

),

written_references as (

    {% for reference in ['invoice_number', 'external_identifier', 'payment_reference'] %}
        select
            owner_db_id,
            header_db_id,
            supplier_db_id,
            invoice_key,
            {{ reference_key(reference) }} as reference_key
        from items
        {{ "union" if not loop.last }}
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
