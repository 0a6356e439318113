-- Fails when a spend line is missing from fct_spend, appears twice, or its parts do not add up to it: a join of ours
-- fanned out, dropped a row or split wrongly. It says nothing about whether the right lines are spend.
with lines as (

    select
        owner_db_id,
        transaction_db_id,
        amount,
        coalesce(tax_amount, 0) as tax_amount
    from {{ ref('int_ledger_lines_classified') }}
    where is_spend

),

parts as (

    select
        owner_db_id,
        transaction_db_id,
        count(*) as part_count,
        count(case when supplier_attribution_method = 'pro_rata' then 1 end) as split_count,
        sum(amount_net) as amount,
        sum(tax_amount) as tax_amount
    from {{ ref('fct_spend') }}
    group by owner_db_id, transaction_db_id

)

select
    coalesce(lines.owner_db_id, parts.owner_db_id) as owner_db_id,
    coalesce(lines.transaction_db_id, parts.transaction_db_id) as transaction_db_id,
    lines.amount as line_amount,
    parts.amount as parts_amount
from lines
full outer join parts
    on
        lines.owner_db_id = parts.owner_db_id
        and lines.transaction_db_id = parts.transaction_db_id
where
    lines.amount is distinct from parts.amount
    or lines.tax_amount is distinct from parts.tax_amount
    or (parts.part_count > 1 and parts.split_count <> parts.part_count)
