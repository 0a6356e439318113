with source as (

    select * from {{ source('xledger', 'subledger') }}

),

renamed as (

    select
        owner_db_id,
        db_id as subledger_db_id,
        subledger_group_db_id,
        ledger_type_db_id,
        ledger_type_name
    from source

)

select * from renamed
