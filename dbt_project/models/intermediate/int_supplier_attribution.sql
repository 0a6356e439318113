{{ config(materialized='table') }}

{%- set measures = ['amount', 'tax_amount', 'transaction_amount'] %}

with lines as (

    select
        owner_db_id,
        transaction_db_id,
        header_db_id,
        company_db_id,
        document_type,
        document_role,
        account_class,
        line_text,
        amount,
        coalesce(tax_amount, 0) as tax_amount,
        transaction_amount
    from {{ ref('int_ledger_lines_classified') }}
    where is_spend

),

headers as (

    select * from {{ ref('int_ap_headers_summarised') }}

),

header_suppliers as (

    select * from {{ ref('int_ap_header_suppliers_summarised') }}

),

invoices as (

    select * from {{ ref('int_ap_invoices_summarised') }}

),

invoice_references as (

    select * from {{ ref('int_ap_invoice_references') }}

),

suppliers as (

    select * from {{ ref('int_suppliers_normalised') }}

),

owners as (

    select * from {{ ref('int_owners_with_currency') }}

),

document_types as (

    select * from {{ ref('document_types') }}

),

methods as (

    select * from {{ ref('attribution_methods') }}

),

-- Step 1: the line's own company is a supplier. Several supplier records can stand for one company: the voucher's own
-- supplier item decides, then the owner's record, then the oldest.
line_companies as (

    select distinct
        lines.owner_db_id,
        lines.header_db_id,
        lines.company_db_id
    from lines
    left join owners
        on lines.owner_db_id = owners.owner_db_id
    where
        lines.company_db_id is not null
        and lines.document_role <> 'expense_report'
        and lines.company_db_id is distinct from owners.company_db_id

),

company_suppliers as (

    select
        line_companies.owner_db_id,
        line_companies.header_db_id,
        line_companies.company_db_id,
        suppliers.supplier_db_id
    from line_companies
    inner join suppliers
        on line_companies.company_db_id = suppliers.company_db_id
    left join header_suppliers
        on
            line_companies.owner_db_id = header_suppliers.owner_db_id
            and line_companies.header_db_id = header_suppliers.header_db_id
            and suppliers.supplier_db_id = header_suppliers.supplier_db_id
    qualify
        row_number() over (
            partition by line_companies.owner_db_id, line_companies.header_db_id, line_companies.company_db_id
            order by
                (header_suppliers.supplier_db_id is null),
                (suppliers.owner_db_id <> line_companies.owner_db_id),
                suppliers.supplier_db_id
        ) = 1

),

-- Steps 3 and 4 look only into vouchers with several invoices.
multi_invoice_lines as (

    select
        lines.owner_db_id,
        lines.transaction_db_id,
        lines.header_db_id,
        lines.line_text,
        lines.amount + lines.tax_amount as gross_amount
    from lines
    inner join headers
        on
            lines.owner_db_id = headers.owner_db_id
            and lines.header_db_id = headers.header_db_id
    where
        headers.invoice_count > 1
        and lines.document_role <> 'expense_report'

),

line_words as (

    select distinct
        owner_db_id,
        transaction_db_id,
        header_db_id,
        {{ reference_key('word') }} as reference_key
    from (
        select
            owner_db_id,
            transaction_db_id,
            header_db_id,
            unnest(string_split(regexp_replace(line_text, '\s+', ' ', 'g'), ' ')) as word
        from multi_invoice_lines
    ) as words

),

reference_matches as (

    select
        line_words.owner_db_id,
        line_words.transaction_db_id,
        min(invoice_references.supplier_db_id) as supplier_db_id,
        case when count(distinct invoice_references.invoice_key) = 1 then min(invoice_references.invoice_key) end as invoice_key
    from line_words
    inner join invoice_references
        on
            line_words.owner_db_id = invoice_references.owner_db_id
            and line_words.header_db_id = invoice_references.header_db_id
            and line_words.reference_key = invoice_references.reference_key
    group by line_words.owner_db_id, line_words.transaction_db_id
    having count(distinct invoice_references.supplier_db_id) = 1

),

lines_by_gross as (

    select
        owner_db_id,
        header_db_id,
        gross_amount,
        count(*) as line_count
    from multi_invoice_lines
    group by owner_db_id, header_db_id, gross_amount

),

invoices_by_gross as (

    select
        owner_db_id,
        header_db_id,
        gross_amount,
        count(*) as invoice_count,
        count(distinct supplier_db_id) as supplier_count,
        min(supplier_db_id) as supplier_db_id,
        min(invoice_key) as invoice_key
    from invoices
    group by owner_db_id, header_db_id, gross_amount

),

-- As many lines as invoices of that gross, at most: a line more and nobody could say which of them is the invoice's.
amount_matches as (

    select
        multi_invoice_lines.owner_db_id,
        multi_invoice_lines.transaction_db_id,
        invoices_by_gross.supplier_db_id,
        case when invoices_by_gross.invoice_count = 1 then invoices_by_gross.invoice_key end as invoice_key
    from multi_invoice_lines
    inner join invoices_by_gross
        on
            multi_invoice_lines.owner_db_id = invoices_by_gross.owner_db_id
            and multi_invoice_lines.header_db_id = invoices_by_gross.header_db_id
            and multi_invoice_lines.gross_amount = invoices_by_gross.gross_amount
    inner join lines_by_gross
        on
            multi_invoice_lines.owner_db_id = lines_by_gross.owner_db_id
            and multi_invoice_lines.header_db_id = lines_by_gross.header_db_id
            and multi_invoice_lines.gross_amount = lines_by_gross.gross_amount
    where
        invoices_by_gross.supplier_count = 1
        and lines_by_gross.line_count <= invoices_by_gross.invoice_count

),

-- The first step of the ladder that names a supplier wins; what is left goes pro rata or stays without one.
laddered as (

    select
        lines.*,
        coalesce(reference_matches.invoice_key, amount_matches.invoice_key) as matched_invoice_key,
        case
            when lines.document_role = 'expense_report' then 'none_employee_expense'
            when company_suppliers.supplier_db_id is not null then 'line_company'
            when headers.single_supplier_db_id is not null then 'header_single_supplier'
            when reference_matches.supplier_db_id is not null then 'invoice_reference'
            when amount_matches.supplier_db_id is not null then 'amount_match'
            when headers.supplier_count > 1 then 'pro_rata'
            when lines.document_role = 'bank' and lines.account_class = 'bank_fees' then 'none_bank_fee'
            else coalesce(document_types.unattributed_method, 'none_journal')
        end as supplier_attribution_method,
        case
            when lines.document_role = 'expense_report' then null
            else coalesce(
                company_suppliers.supplier_db_id,
                headers.single_supplier_db_id,
                reference_matches.supplier_db_id,
                amount_matches.supplier_db_id
            )
        end as ladder_supplier_db_id
    from lines
    left join company_suppliers
        on
            lines.owner_db_id = company_suppliers.owner_db_id
            and lines.header_db_id = company_suppliers.header_db_id
            and lines.company_db_id = company_suppliers.company_db_id
    left join headers
        on
            lines.owner_db_id = headers.owner_db_id
            and lines.header_db_id = headers.header_db_id
    left join reference_matches
        on
            lines.owner_db_id = reference_matches.owner_db_id
            and lines.transaction_db_id = reference_matches.transaction_db_id
    left join amount_matches
        on
            lines.owner_db_id = amount_matches.owner_db_id
            and lines.transaction_db_id = amount_matches.transaction_db_id
    left join document_types
        on lines.document_type = document_types.document_type

),

-- Step 5. A voucher whose suppliers' items all come to zero is split evenly.
header_weights as (

    select
        owner_db_id,
        header_db_id,
        supplier_db_id,
        case
            when sum(abs(gross_amount)) over voucher = 0 then 1
            else {{ ten_thousandths('abs(gross_amount)') }}
        end as weight
    from header_suppliers
    window voucher as (partition by owner_db_id, header_db_id)

),

weighted_parts as (

    select
        laddered.*,
        header_weights.supplier_db_id,
        header_weights.weight,
        sum(header_weights.weight) over line as total_weight,
        row_number() over (line order by header_weights.weight desc, header_weights.supplier_db_id) as split_number
    from laddered
    inner join header_weights
        on
            laddered.owner_db_id = header_weights.owner_db_id
            and laddered.header_db_id = header_weights.header_db_id
    where laddered.supplier_attribution_method = 'pro_rata'
    window line as (partition by laddered.owner_db_id, laddered.transaction_db_id)

),

sure_parts as (

    select
        *
        {%- for measure in measures %},
        {{ sure_hundredths(measure, 'weight', 'total_weight') }} as sure_{{ measure }},
        {{ lost_hundredths(measure, 'weight', 'total_weight') }} as lost_{{ measure }}
        {%- endfor %}
    from weighted_parts

),

ranked_parts as (

    select
        *
        {%- for measure in measures %},
        sum(sure_{{ measure }}) over line as all_sure_{{ measure }},
        row_number() over (line order by lost_{{ measure }} desc, split_number) as rank_{{ measure }}
        {%- endfor %}
    from sure_parts
    window line as (partition by owner_db_id, transaction_db_id)

),

parts as (

    select
        owner_db_id,
        transaction_db_id,
        header_db_id,
        split_number,
        supplier_db_id,
        supplier_attribution_method,
        matched_invoice_key,
        {%- for measure in measures %}
        {{ part_amount(measure, 'sure_' ~ measure, 'all_sure_' ~ measure, 'rank_' ~ measure, 'split_number') }} as {{ measure }}{{ "," if not loop.last }}
        {%- endfor %}
    from ranked_parts

    union all

    select
        owner_db_id,
        transaction_db_id,
        header_db_id,
        cast(null as bigint) as split_number,
        ladder_supplier_db_id as supplier_db_id,
        supplier_attribution_method,
        matched_invoice_key,
        amount,
        tax_amount,
        transaction_amount
    from laddered
    where supplier_attribution_method <> 'pro_rata'

),

voucher_dates as (

    select
        owner_db_id,
        header_db_id,
        case when count(distinct invoice_date) = 1 then min(invoice_date) end as invoice_date,
        case when count(distinct due_date) = 1 then min(due_date) end as due_date
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
