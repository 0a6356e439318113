with source as (

    select * from {{ source('xledger', 'transaction') }}

),

renamed as (

    select
        owner_db_id,
        db_id as transaction_db_id,
        header_db_id,
        account_db_id,
        company_db_id,
        currency_db_id,
        tax_rule_db_id,
        gl_object1_db_id as dimension_1_db_id,
        gl_object2_db_id as dimension_2_db_id,
        gl_object3_db_id as dimension_3_db_id,
        gl_object4_db_id as dimension_4_db_id,
        gl_object5_db_id as dimension_5_db_id,
        period_id,
        match_id,
        text as line_text,
        period_number,
        amount,
        tax_amount,
        invoice_amount as transaction_amount
    from source

)

select * from renamed
