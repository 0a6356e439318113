with lines as {{ inlined() }}(

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
    where is_spend {{ only_changed_vouchers('and') }}

),

headers as (

    select * from {{ ref('int_ap_headers_summarised') }}
    {{ only_changed_vouchers('where') }}

),

header_suppliers as (

    select * from {{ ref('int_ap_header_suppliers_summarised') }}
    {{ only_changed_vouchers('where') }}

),

invoices as (

    select * from {{ ref('int_ap_invoices_summarised') }}
    {{ only_changed_vouchers('where') }}

),

invoice_references as (

    select * from {{ ref('int_ap_invoice_references') }}
    {{ only_changed_vouchers('where') }}

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

ranked_suppliers as (

    select
        line_companies.owner_db_id,
        line_companies.header_db_id,
        line_companies.company_db_id,
        suppliers.supplier_db_id,
        row_number() over (
            partition by line_companies.owner_db_id, line_companies.header_db_id, line_companies.company_db_id
            order by
                (header_suppliers.supplier_db_id is null),
                (suppliers.owner_db_id <> line_companies.owner_db_id),
                suppliers.supplier_db_id
        ) as candidate_number
    from line_companies
    inner join suppliers
        on line_companies.company_db_id = suppliers.company_db_id
    left join header_suppliers
        on
            line_companies.owner_db_id = header_suppliers.owner_db_id
            and line_companies.header_db_id = header_suppliers.header_db_id
            and suppliers.supplier_db_id = header_suppliers.supplier_db_id

),

company_suppliers as (

    select * from ranked_suppliers
    where candidate_number = 1

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
        {{ words_of(
            'multi_invoice_lines', ['owner_db_id', 'transaction_db_id', 'header_db_id'],
            regex_replace('line_text', '\\s+', ' ')
        ) }}
    ) as words

),

reference_matches as (

    select
        line_words.owner_db_id,
        line_words.transaction_db_id,
        min(invoice_references.supplier_db_id) as supplier_db_id,
        case when count(distinct invoice_references.invoice_key) = 1 then min(invoice_references.invoice_key) end
            as invoice_key
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

)

select * from laddered
