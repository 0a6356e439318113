with sync_run_entities as (

    select * from {{ ref('stg_xledger__sync_run_entity') }}

)

select
    run_id,
    table_name,
    rows_landed,
    pages
from sync_run_entities
