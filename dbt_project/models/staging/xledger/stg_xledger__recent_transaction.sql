with source as (

    select * from {{ source('xledger', 'recent_transaction') }}

),

renamed as (

    select
        owner_db_id,
        db_id as transaction_db_id,
        mutation_type,
        feed
    from source

)

select * from renamed
