with spend as (

    select * from {{ ref('fct_spend') }}

)

select
    'uncategorised_spend' as finding,
    'low' as severity,
    owner_db_id,
    coalesce(account_code, 'no account') as subject,
    sum(amount_net) as amount,
    count(*) as item_count,
    {{ first_ids('spend_id') }} as ids
from spend
where category_rule_id is null
group by owner_db_id, coalesce(account_code, 'no account')
