with coverage as (

    select * from {{ ref('document_type_coverage') }}

)

select
    'document_type_not_chosen' as finding,
    'high' as severity,
    owner_db_id,
    document_type as subject,
    supplier_cost_amount as amount,
    supplier_voucher_count as item_count,
    document_type as ids
from coverage
where
    not is_chosen
    and supplier_cost_line_count > 0
