with sync_runs as (

    select * from {{ ref('stg_xledger__sync_run') }}

),

sync_run_entities as (

    select * from {{ ref('stg_xledger__sync_run_entity') }}

),

run_totals as (

    select
        run_id,
        cast(sum(rows_landed) as bigint) as rows_landed,
        cast(sum(pages) as bigint) as pages
    from sync_run_entities
    group by run_id

)

select
    sync_runs.run_id,
    sync_runs.started_at,
    sync_runs.landed_at,
    sync_runs.mode,
    sync_runs.requests,
    sync_runs.retries,
    run_totals.pages,
    run_totals.rows_landed,
    sync_runs.bytes_received,
    sync_runs.bytes_sent
from sync_runs
left join run_totals
    on sync_runs.run_id = run_totals.run_id
