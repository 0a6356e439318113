with source as (

    select * from {{ source('xledger', 'payroll_exclusion') }}

),

renamed as (

    select
        run_id,
        root,
        rule,
        excluded_ids,
        ids_sha256,
        rows_seen,
        rows_received,
        rows_excluded
    from source

)

select * from renamed
