with spend as (

    select * from {{ ref('fct_spend') }}

)

select
    'unattributed_spend' as finding,
    case when supplier_attribution_method = 'none_missing_ap_row' then 'high' else 'low' end as severity,
    owner_db_id,
    supplier_attribution_method as subject,
    sum(amount_net) as amount,
    count(*) as item_count,
    {{ first_ids('spend_id') }} as ids
from spend
where supplier_id is null
group by owner_db_id, supplier_attribution_method
