with spend as (

    select * from {{ ref('fct_spend') }}

),

owners as (

    select * from {{ ref('dim_owner') }}

),

by_supplier as (

    select
        owner_db_id,
        cast(extract(year from spend_date) as integer) as year_number,
        category_level_1,
        category_level_2,
        supplier_id,
        sum(amount_net) as spend_amount
    from spend
    where spend_date is not null
    group by owner_db_id, extract(year from spend_date), category_level_1, category_level_2, supplier_id

),

-- Concentration is measured over suppliers that sold something; a year of nothing but credit notes has none.
positive as (

    select
        *,
        sum(spend_amount) over (
            partition by owner_db_id, year_number, category_level_1, category_level_2
        ) as positive_amount
    from by_supplier
    where
        supplier_id is not null
        and spend_amount > 0

),

-- Shares cut to ten decimals, as whole numbers: their squares add up exactly.
shares as (

    select
        *,
        {{ ratio('spend_amount', 'positive_amount') }} as supplier_share,
        {{ whole_quotient(whole_number('spend_amount') ~ ' * 10000000000', whole_number('positive_amount')) }}
            as share_in_1e10
    from positive

),

concentration as (

    select
        owner_db_id,
        year_number,
        category_level_1,
        category_level_2,
        count(*) as supplier_count,
        max(supplier_share) as top_supplier_share,
        cast(
            cast(
                {{ whole_quotient('sum(share_in_1e10 * share_in_1e10) + 50000000000000', '100000000000000') }}
                as decimal(20, 0)
            ) * 0.01 as decimal(18, 2)
        ) as herfindahl_index
    from shares
    group by owner_db_id, year_number, category_level_1, category_level_2

),

yearly as (

    select
        owner_db_id,
        year_number,
        category_level_1,
        category_level_2,
        sum(spend_amount) as spend_amount
    from by_supplier
    group by owner_db_id, year_number, category_level_1, category_level_2

)

select
    yearly.owner_db_id,
    owners.owner_name,
    yearly.year_number,
    yearly.category_level_1,
    yearly.category_level_2,
    cast(yearly.spend_amount as decimal(33, 4)) as spend_amount,
    cast(coalesce(previous.spend_amount, 0) as decimal(33, 4)) as previous_year_amount,
    owners.company_currency,
    coalesce(concentration.supplier_count, 0) as supplier_count,
    concentration.top_supplier_share,
    concentration.herfindahl_index
from yearly
left join yearly as previous
    on
        yearly.owner_db_id = previous.owner_db_id
        and yearly.category_level_1 = previous.category_level_1
        and yearly.category_level_2 = previous.category_level_2
        and yearly.year_number = previous.year_number + 1
left join concentration
    on
        yearly.owner_db_id = concentration.owner_db_id
        and yearly.year_number = concentration.year_number
        and yearly.category_level_1 = concentration.category_level_1
        and yearly.category_level_2 = concentration.category_level_2
left join owners
    on yearly.owner_db_id = owners.owner_db_id
