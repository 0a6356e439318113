with payroll_exclusions as (

    select * from {{ ref('stg_xledger__payroll_exclusion') }}

),

sync_runs as (

    select * from {{ ref('stg_xledger__sync_run') }}

)

select
    payroll_exclusions.run_id,
    sync_runs.landed_at,
    payroll_exclusions.root,
    payroll_exclusions.rule,
    payroll_exclusions.excluded_ids,
    payroll_exclusions.ids_sha256,
    payroll_exclusions.rows_seen,
    payroll_exclusions.rows_received,
    payroll_exclusions.rows_excluded
from payroll_exclusions
left join sync_runs
    on payroll_exclusions.run_id = sync_runs.run_id
