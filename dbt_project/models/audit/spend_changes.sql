with published_spend as {{ inlined() }}(

    select * from {{ ref('stg_xledger__published_spend') }}

),

spend as (

    select * from {{ ref('fct_spend') }}

),

previous_run as (

    select
        max(run_id) as run_id,
        {{ first_day_of('month', 'max(landed_at)') }} as first_open_day
    from published_spend
    having count(*) > 0

),

compared as (

    select
        coalesce(spend.spend_id, published_spend.spend_id) as spend_id,
        coalesce(spend.transaction_db_id, published_spend.transaction_db_id) as transaction_db_id,
        coalesce(spend.owner_db_id, published_spend.owner_db_id) as owner_db_id,
        coalesce(spend.owner_name, published_spend.owner_name) as owner_name,
        case
            when published_spend.spend_id is null then 'new'
            when spend.spend_id is null then 'gone'
            else 'changed'
        end as change_kind,
        published_spend.posted_date as posted_date_before,
        spend.posted_date as posted_date_after,
        published_spend.account_code as account_code_before,
        spend.account_code as account_code_after,
        published_spend.supplier_name as supplier_name_before,
        spend.supplier_name as supplier_name_after,
        published_spend.amount_net as amount_before,
        spend.amount_net as amount_after,
        cast(
            coalesce(spend.amount_net, 0) - coalesce(published_spend.amount_net, 0) as decimal(33, 4)
        ) as amount_difference,
        coalesce(spend.company_currency, published_spend.company_currency) as company_currency
    from spend
    full outer join published_spend on spend.spend_id = published_spend.spend_id

),

altered as (

    select * from compared
    where
        posted_date_before is distinct from posted_date_after
        or account_code_before is distinct from account_code_after
        or supplier_name_before is distinct from supplier_name_after
        or amount_before is distinct from amount_after

)

select
    altered.*,
    previous_run.run_id as run_id_before
from altered
cross join previous_run
where
    altered.posted_date_before < previous_run.first_open_day
    or altered.posted_date_after < previous_run.first_open_day
