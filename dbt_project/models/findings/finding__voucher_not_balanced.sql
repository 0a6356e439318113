with lines as (

    select * from {{ ref('fct_ledger_line') }}

),

-- Vouchers that held pay do not add up here on purpose, so they are counted and nothing more: no amount, no id.
unbalanced as (

    select
        owner_db_id,
        document_type,
        header_db_id
    from lines
    group by owner_db_id, document_type, header_db_id
    having sum(amount) <> 0

)

select
    'voucher_not_balanced' as finding,
    'low' as severity,
    owner_db_id,
    'all' as subject,
    cast(null as decimal(33, 4)) as amount,
    count(*) as item_count,
    '' as ids
from unbalanced
group by owner_db_id
