with spend as (

    select * from {{ ref('fct_spend') }}

),

suppliers as (

    select * from {{ ref('dim_supplier') }}

)

select
    'supplier_without_org_number' as finding,
    'medium' as severity,
    spend.owner_db_id,
    spend.supplier_id as subject,
    sum(spend.amount_net) as amount,
    count(*) as item_count,
    {{ first_ids(owner_and_id('spend.owner_db_id', 'spend.supplier_db_id'), distinct=true) }} as ids
from spend
inner join suppliers
    on spend.supplier_id = suppliers.supplier_id
where
    suppliers.supplier_org_number is null
    and spend.supplier_id <> 'employee-expenses'
group by spend.owner_db_id, spend.supplier_id
