-- Fails when a company's account has another sum in a period in staging, in fct_ledger_line or in spend plus excluded
-- lines. A join of ours lost, doubled or moved money. A one-sided row fails too: it is compared with zero.
with received as (

    select
        owner_db_id,
        account_db_id,
        period_id,
        count(*) as line_count,
        sum(amount) as amount
    from {{ ref('stg_xledger__transaction') }}
    group by owner_db_id, account_db_id, period_id

),

published as (

    select
        owner_db_id,
        account_db_id,
        period_id,
        count(*) as line_count,
        sum(amount) as amount,
        coalesce(sum(case when not is_spend then amount end), 0) as excluded_amount
    from {{ ref('fct_ledger_line') }}
    group by owner_db_id, account_db_id, period_id

),

spend as (

    select
        owner_db_id,
        account_db_id,
        period_id,
        sum(amount_net) as amount
    from {{ ref('fct_spend') }}
    group by owner_db_id, account_db_id, period_id

),

compared as (

    select
        coalesce(received.owner_db_id, published.owner_db_id, spend.owner_db_id) as owner_db_id,
        coalesce(received.account_db_id, published.account_db_id, spend.account_db_id) as account_db_id,
        coalesce(received.period_id, published.period_id, spend.period_id) as period_id,
        coalesce(received.line_count, 0) as received_lines,
        coalesce(published.line_count, 0) as published_lines,
        coalesce(received.amount, 0) as received_amount,
        coalesce(published.amount, 0) as published_amount,
        coalesce(published.excluded_amount, 0) + coalesce(spend.amount, 0) as spend_plus_excluded
    from received
    full outer join published
        on
            received.owner_db_id = published.owner_db_id
            and coalesce(received.account_db_id, 0) = coalesce(published.account_db_id, 0)
            and coalesce(received.period_id, 0) = coalesce(published.period_id, 0)
    full outer join spend
        on
            published.owner_db_id = spend.owner_db_id
            and coalesce(published.account_db_id, 0) = coalesce(spend.account_db_id, 0)
            and coalesce(published.period_id, 0) = coalesce(spend.period_id, 0)

)

select * from compared
where
    received_lines <> published_lines
    or received_amount <> published_amount
    or received_amount <> spend_plus_excluded
