-- Fails when a company's bridge does not lead from the received lines to what fct_spend holds: a step is missing or
-- counts a line twice.
with bridge as (

    select
        owner_db_id,
        sum(amount) filter (where step_number <= 3) as received_less_removed,
        sum(amount) filter (where step_number = 4) as literal_spend,
        sum(amount) filter (where step_number in (4, 5) and is_applied) as literal_less_guard,
        sum(amount) filter (where step_number = 6) as spend,
        sum(line_count) filter (where step_number <= 3) as lines_less_removed,
        sum(line_count) filter (where step_number = 4) as literal_lines,
        sum(line_count) filter (where step_number in (4, 5) and is_applied) as literal_less_guard_lines,
        sum(line_count) filter (where step_number = 6) as spend_lines
    from {{ ref('spend_bridge') }}
    group by owner_db_id

),

spend as (

    select
        owner_db_id,
        sum(amount_net) as amount,
        count(distinct transaction_db_id) as line_count
    from {{ ref('fct_spend') }}
    group by owner_db_id

)

select bridge.*
from bridge
left join spend
    on bridge.owner_db_id = spend.owner_db_id
where
    bridge.received_less_removed <> bridge.literal_spend
    or bridge.literal_less_guard <> bridge.spend
    or bridge.lines_less_removed <> bridge.literal_lines
    or bridge.literal_less_guard_lines <> bridge.spend_lines
    or bridge.spend <> coalesce(spend.amount, 0)
    or bridge.spend_lines <> coalesce(spend.line_count, 0)
