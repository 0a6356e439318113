with spans as (

    select * from {{ ref('supplier_snapshot') }}

),

changes as (

    select
        *,
        coalesce(bank_account_hash, '') as bank_account_key,
        lag(coalesce(bank_account_hash, '')) over (
            partition by owner_db_id, supplier_db_id
            order by dbt_valid_from
        ) as previous_key,
        row_number() over (
            partition by owner_db_id, supplier_db_id
            order by dbt_valid_from
        ) as span_number
    from spans

)

select
    owner_db_id,
    supplier_db_id,
    cast(span_number as integer) as span_number,
    supplier_name,
    supplier_org_number,
    pay_terms,
    span_number > 1 and bank_account_key <> previous_key as is_bank_account_changed,
    cast(dbt_valid_from as timestamp) as valid_from,
    cast(dbt_valid_to as timestamp) as valid_to
from changes
