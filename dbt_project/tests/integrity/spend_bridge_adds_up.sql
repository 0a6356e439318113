-- Fails when a company's bridge does not lead from the received lines to what fct_spend holds: a step is missing or
-- counts a line twice.
with bridge as (

    select
        owner_db_id,
        sum(case when step_number <= 3 then amount end) as received_less_removed,
        sum(case when step_number = 4 then amount end) as literal_spend,
        sum(case when step_number in (4, 5) and is_applied then amount end) as literal_less_guard,
        sum(case when step_number = 6 then amount end) as spend,
        sum(case when step_number <= 3 then line_count end) as lines_less_removed,
        sum(case when step_number = 4 then line_count end) as literal_lines,
        sum(case when step_number in (4, 5) and is_applied then line_count end) as literal_less_guard_lines,
        sum(case when step_number = 6 then line_count end) as spend_lines
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
