with spend as (

    select * from {{ ref('fct_spend') }}

)

-- A date after the sync is a typing error or a voucher posted ahead; two years between invoice and posting is an old
-- invoice or a typing error.
select
    'date_out_of_range' as finding,
    'medium' as severity,
    owner_db_id,
    case when spend_date > cast(_loaded_at as date) then 'future' else 'ancient' end as subject,
    sum(amount_net) as amount,
    count(*) as item_count,
    {{ first_ids('spend_id') }} as ids
from spend
where
    spend_date > cast(_loaded_at as date)
    or spend_date < {{ date_plus('posted_date', -2, 'year') }}
group by owner_db_id, case when spend_date > cast(_loaded_at as date) then 'future' else 'ancient' end
