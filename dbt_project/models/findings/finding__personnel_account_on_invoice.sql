with spend as (

    select * from {{ ref('fct_spend') }}

)

select
    'personnel_account_on_invoice' as finding,
    'low' as severity,
    owner_db_id,
    account_code as subject,
    sum(amount_net) as amount,
    count(*) as item_count,
    {{ first_ids('spend_id') }} as ids
from spend
where is_personnel_related
group by owner_db_id, account_code
