with source as (

    select * from {{ source('xledger', 'sync_run_entity') }}

),

renamed as (

    select
        run_id,
        table_name,
        {{ reserved('rows') }} as rows_landed,
        pages
    from source

)

select * from renamed
