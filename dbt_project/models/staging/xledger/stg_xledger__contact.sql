with source as (

    select * from {{ source('xledger', 'contact') }}

),

renamed as (

    select
        owner_db_id,
        db_id as contact_db_id,
        company_name,
        job_title,
        email,
        phone,
        modified_at
    from source

)

select * from renamed
