with sync_runs as (

    select * from {{ ref('stg_xledger__sync_run') }}

),

latest as (

    select
        run_id,
        landed_at
    from sync_runs
    order by landed_at desc nulls last, started_at desc nulls last, run_id desc
    limit 1

)

select * from latest
