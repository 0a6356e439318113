with spend as (

    select * from {{ ref('fct_spend') }}

)

select
    'missing_exchange_rate' as finding,
    'high' as severity,
    owner_db_id,
    coalesce(company_currency, 'unknown currency') as subject,
    sum(amount_net) as amount,
    count(*) as item_count,
    {{ first_ids('spend_id') }} as ids
from spend
where amount_net_group is null
group by owner_db_id, coalesce(company_currency, 'unknown currency')
