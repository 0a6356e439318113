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

kinds_of_reference as (

    select 'invoice_number' as kind
    union all
    select 'external_identifier' as kind
    union all
    select 'payment_reference' as kind

),

written_references as (

    select
        items.owner_db_id,
        items.header_db_id,
        items.supplier_db_id,
        items.invoice_key,
        case kinds.kind
            when 'invoice_number' then items.invoice_number
            when 'external_identifier' then items.external_identifier
            else items.payment_reference
        end as written_reference
    from multi_invoice_items as items
    cross join kinds_of_reference as kinds

),

reference_keys as (

    select distinct
        owner_db_id,
        header_db_id,
        supplier_db_id,
        invoice_key,
        {{ reference_key('written_reference') }} as reference_key
    from written_references

),

of_invoices as (

    select reference_keys.*
    from reference_keys
    inner join invoices
        on
            reference_keys.owner_db_id = invoices.owner_db_id
            and reference_keys.header_db_id = invoices.header_db_id
            and reference_keys.supplier_db_id = invoices.supplier_db_id
            and reference_keys.invoice_key = invoices.invoice_key
    where reference_keys.reference_key is not null

)

select * from of_invoices
