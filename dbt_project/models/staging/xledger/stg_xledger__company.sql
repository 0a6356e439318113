with source as (

    select * from {{ source('xledger', 'company') }}

),

renamed as (

    select
        owner_db_id,
        db_id as company_db_id,
        code as company_code,
        description as company_name,
        company_number,
        tax_number,
        country,
        modified_at
    from source

)

select * from renamed
