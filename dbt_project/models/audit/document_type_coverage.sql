with lines as (

    select * from {{ ref('int_ledger_lines_classified') }}

),

headers as (

    select * from {{ ref('int_ap_headers_summarised') }}

),

owners as (

    select * from {{ ref('int_owners_with_currency') }}

),

-- What would be spend if the type were chosen: cost lines of vouchers that credit a supplier.
supplier_lines as (

    select
        lines.owner_db_id,
        coalesce(lines.document_type, 'unknown') as document_type,
        lines.is_spend_document_type,
        lines.header_db_id,
        headers.header_db_id is not null as has_supplier_item,
        not lines.is_in_excluded_range and lines.guard_rule is null as is_cost_line,
        lines.amount
    from lines
    left join headers
        on
            lines.owner_db_id = headers.owner_db_id
            and lines.header_db_id = headers.header_db_id

),

covered as (

    select
        owner_db_id,
        document_type,
        {{ dbt.bool_or('is_spend_document_type') }} as is_chosen,
        count(distinct header_db_id) as voucher_count,
        count(distinct case when has_supplier_item then header_db_id end) as supplier_voucher_count,
        count(case when has_supplier_item and is_cost_line then 1 end) as supplier_cost_line_count,
        coalesce(sum(case when has_supplier_item and is_cost_line then amount end), 0) as supplier_cost_amount
    from supplier_lines
    group by owner_db_id, document_type

)

select
    covered.owner_db_id,
    owners.owner_name,
    covered.document_type,
    covered.is_chosen,
    covered.voucher_count,
    covered.supplier_voucher_count,
    covered.supplier_cost_line_count,
    cast(covered.supplier_cost_amount as decimal(38, 4)) as supplier_cost_amount,
    owners.company_currency
from covered
left join owners
    on covered.owner_db_id = owners.owner_db_id
