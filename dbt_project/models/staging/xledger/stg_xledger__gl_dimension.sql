with source as (

    select * from {{ source('xledger', 'gl_dimension') }}

),

renamed as (

    select
        owner_db_id,
        db_id as gl_dimension_db_id,
        gl_object1_db_id as dimension_1_db_id,
        gl_object2_db_id as dimension_2_db_id,
        gl_object3_db_id as dimension_3_db_id,
        gl_object4_db_id as dimension_4_db_id,
        gl_object5_db_id as dimension_5_db_id
    from source

)

select * from renamed
