with spend as (

    select * from {{ ref('fct_spend') }}

),

latest_run as (

    select cast(landed_at as date) as as_of_date from {{ ref('int_latest_sync_run') }}

)

-- A date after the sync is a typing error or a voucher posted ahead; two years between invoice and posting is an old
-- invoice or a typing error.
select
    'date_out_of_range' as finding,
    'medium' as severity,
    spend.owner_db_id,
    case when spend.spend_date > latest_run.as_of_date then 'future' else 'ancient' end as subject,
    sum(spend.amount_net) as amount,
    count(*) as item_count,
    {{ first_ids('spend.spend_id') }} as ids
from spend
cross join latest_run
where
    spend.spend_date > latest_run.as_of_date
    or spend.spend_date < {{ date_plus('spend.posted_date', -2, 'year') }}
group by spend.owner_db_id, case when spend.spend_date > latest_run.as_of_date then 'future' else 'ancient' end
