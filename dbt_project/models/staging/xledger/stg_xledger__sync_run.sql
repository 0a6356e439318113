with source as (

    select * from {{ source('xledger', 'sync_run') }}

),

renamed as (

    select
        run_id,
        started_at,
        landed_at,
        mode,
        requests,
        retries,
        bytes_received,
        bytes_sent
    from source

)

select * from renamed
