with lines as (

    select * from {{ ref('int_ledger_lines_classified') }}

),

headers as (

    select * from {{ ref('int_ap_headers_summarised') }}

),

owners as (

    select * from {{ ref('int_owners_with_currency') }}

),

vouchers as (

    select
        owner_db_id,
        coalesce(document_type, 'unknown') as document_type,
        header_db_id,
        {{ dbt.bool_or('is_spend_document_type') }} as is_chosen,
        count(case when not is_in_excluded_range and guard_rule is null then 1 end) as cost_line_count,
        sum(case when not is_in_excluded_range and guard_rule is null then amount end) as cost_amount
    from lines
    group by owner_db_id, coalesce(document_type, 'unknown'), header_db_id

),

-- What would be spend if the type were chosen: cost lines of vouchers that credit a supplier.
covered as (

    select
        vouchers.owner_db_id,
        vouchers.document_type,
        {{ dbt.bool_or('vouchers.is_chosen') }} as is_chosen,
        count(vouchers.header_db_id) as voucher_count,
        count(headers.header_db_id) as supplier_voucher_count,
        coalesce(sum(case when headers.header_db_id is not null then vouchers.cost_line_count end), 0)
            as supplier_cost_line_count,
        coalesce(sum(case when headers.header_db_id is not null then vouchers.cost_amount end), 0)
            as supplier_cost_amount
    from vouchers
    left join headers
        on
            vouchers.owner_db_id = headers.owner_db_id
            and vouchers.header_db_id = headers.header_db_id
    group by vouchers.owner_db_id, vouchers.document_type

)

select
    covered.owner_db_id,
    owners.owner_name,
    covered.document_type,
    covered.is_chosen,
    covered.voucher_count,
    covered.supplier_voucher_count,
    cast(covered.supplier_cost_line_count as bigint) as supplier_cost_line_count,
    cast(covered.supplier_cost_amount as decimal(33, 4)) as supplier_cost_amount,
    owners.company_currency
from covered
left join owners
    on covered.owner_db_id = owners.owner_db_id
