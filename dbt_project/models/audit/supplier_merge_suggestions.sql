with suppliers as (

    select * from {{ ref('int_suppliers_normalised') }}

),

keyed as (

    select distinct
        supplier_id,
        supplier_name,
        supplier_country,
        bank_account_hash,
        {{ name_key('source_supplier_name') }} as name_key
    from suppliers

),

same_name as (

    select
        keyed.supplier_id,
        matching.supplier_id as other_supplier_id,
        'same name' as suggestion_reason
    from keyed
    inner join keyed as matching
        on
            keyed.name_key = matching.name_key
            and keyed.supplier_id < matching.supplier_id
    where
        length(keyed.name_key) >= 3
        and coalesce(keyed.supplier_country, matching.supplier_country, '')
        = coalesce(matching.supplier_country, keyed.supplier_country, '')

),

same_bank_account as (

    select
        keyed.supplier_id,
        matching.supplier_id as other_supplier_id,
        'same bank account' as suggestion_reason
    from keyed
    inner join keyed as matching
        on
            keyed.bank_account_hash = matching.bank_account_hash
            and keyed.supplier_id < matching.supplier_id

),

suggested as (

    select * from same_name
    union distinct
    select * from same_bank_account

),

reasons as (

    select
        supplier_id,
        other_supplier_id,
        {{ distinct_texts('suggestion_reason') }} as reasons
    from suggested
    group by supplier_id, other_supplier_id

),

names as (

    select
        supplier_id,
        min(supplier_name) as supplier_name
    from keyed
    group by supplier_id

),

described as (

    select
        reasons.supplier_id,
        names.supplier_name,
        reasons.other_supplier_id,
        other_names.supplier_name as other_supplier_name,
        reasons.reasons
    from reasons
    left join names
        on reasons.supplier_id = names.supplier_id
    left join names as other_names
        on reasons.other_supplier_id = other_names.supplier_id

)

select * from described
