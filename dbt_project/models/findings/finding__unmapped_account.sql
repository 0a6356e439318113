with spend as (

    select * from {{ ref('fct_spend') }}

)

select
    'unmapped_account' as finding,
    'medium' as severity,
    owner_db_id,
    coalesce(account_code, 'no account') as subject,
    sum(amount_net) as amount,
    count(*) as item_count,
    {{ first_ids('spend_id') }} as ids
from spend
where account_class = 'Unmapped'
group by owner_db_id, coalesce(account_code, 'no account')
