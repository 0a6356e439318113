with lines as (

    select * from {{ ref('int_supplier_ladder') }}
    {{ only_changed_vouchers('where') }}

),

pro_rata_parts as (

    select * from {{ ref('int_pro_rata_parts') }}

),

invoices as (

    select * from {{ ref('int_ap_invoices_summarised') }}
    {{ only_changed_vouchers('where') }}

),

header_suppliers as (

    select * from {{ ref('int_ap_header_suppliers_summarised') }}
    {{ only_changed_vouchers('where') }}

),

methods as (

    select * from {{ ref('attribution_methods') }}

),

parts as (

    select
        lines.owner_db_id,
        lines.transaction_db_id,
        lines.header_db_id,
        pro_rata_parts.split_number,
        coalesce(pro_rata_parts.supplier_db_id, lines.ladder_supplier_db_id) as supplier_db_id,
        lines.supplier_attribution_method,
        lines.matched_invoice_key,
        coalesce(pro_rata_parts.amount, lines.amount) as amount,
        coalesce(pro_rata_parts.tax_amount, lines.tax_amount) as tax_amount,
        coalesce(pro_rata_parts.transaction_amount, lines.transaction_amount) as transaction_amount
    from lines
    left join pro_rata_parts
        on
            lines.owner_db_id = pro_rata_parts.owner_db_id
            and lines.transaction_db_id = pro_rata_parts.transaction_db_id

),

voucher_dates as (

    select
        owner_db_id,
        header_db_id,
        case when min(invoice_date) = max(invoice_date) then min(invoice_date) end as invoice_date,
        case when min(due_date) = max(due_date) then min(due_date) end as due_date
    from invoices
    group by owner_db_id, header_db_id

),

-- The invoice of a line: the one it was matched with, else the only one of its supplier in the voucher.
invoiced as (

    select
        parts.owner_db_id,
        parts.transaction_db_id,
        parts.header_db_id,
        parts.split_number,
        parts.supplier_db_id,
        parts.supplier_attribution_method,
        methods.supplier_attribution_confidence,
        case
            when invoices.invoice_key is not null then invoices.invoice_number
            else header_suppliers.invoice_number
        end as invoice_number,
        coalesce(invoices.invoice_date, header_suppliers.invoice_date, voucher_dates.invoice_date) as invoice_date,
        coalesce(invoices.due_date, header_suppliers.due_date, voucher_dates.due_date) as due_date,
        case
            when invoices.invoice_key is not null then invoices.paid_date
            else header_suppliers.paid_date
        end as paid_date,
        coalesce(invoices.gross_amount, header_suppliers.gross_amount, 0) < 0 as is_credit_note,
        parts.amount,
        parts.tax_amount,
        parts.transaction_amount
    from parts
    left join invoices
        on
            parts.owner_db_id = invoices.owner_db_id
            and parts.header_db_id = invoices.header_db_id
            and parts.supplier_db_id = invoices.supplier_db_id
            and parts.matched_invoice_key = invoices.invoice_key
    left join header_suppliers
        on
            parts.owner_db_id = header_suppliers.owner_db_id
            and parts.header_db_id = header_suppliers.header_db_id
            and parts.supplier_db_id = header_suppliers.supplier_db_id
    left join voucher_dates
        on
            parts.owner_db_id = voucher_dates.owner_db_id
            and parts.header_db_id = voucher_dates.header_db_id
    left join methods
        on parts.supplier_attribution_method = methods.supplier_attribution_method

)

select * from invoiced
