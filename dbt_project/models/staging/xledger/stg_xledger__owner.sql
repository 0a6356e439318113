with source as (

    select * from {{ source('xledger', 'owner') }}

),

renamed as (

    select
        db_id as owner_db_id,
        company_db_id,
        code as owner_code,
        description as owner_name,
        company_number as owner_org_number,
        currency_code
    from source

)

select * from renamed
