with spend as (

    select * from {{ ref('fct_spend') }}

),

yearly as (

    select
        owner_db_id,
        cast(extract(year from spend_date) as integer) as year_number,
        supplier_id,
        sum(amount_net) as spend_amount,
        count(distinct invoice_number) as invoice_count
    from spend
    where
        supplier_id is not null
        and spend_date is not null
    group by owner_db_id, extract(year from spend_date), supplier_id

),

owner_years as (

    select
        owner_db_id,
        min(year_number) as first_year,
        max(year_number) as last_year
    from yearly
    group by owner_db_id

),

-- A supplier that was bought from last year and not this year has a row of zero: it was lost.
with_gaps as (

    select * from yearly

    union all

    select
        yearly.owner_db_id,
        yearly.year_number + 1 as year_number,
        yearly.supplier_id,
        0 as spend_amount,
        0 as invoice_count
    from yearly
    inner join owner_years
        on
            yearly.owner_db_id = owner_years.owner_db_id
            and yearly.year_number < owner_years.last_year
    left join yearly as next_year
        on
            yearly.owner_db_id = next_year.owner_db_id
            and yearly.supplier_id = next_year.supplier_id
            and next_year.year_number = yearly.year_number + 1
    where next_year.supplier_id is null

),

supplier_years as (

    select
        with_gaps.owner_db_id,
        with_gaps.year_number,
        with_gaps.supplier_id,
        with_gaps.spend_amount,
        coalesce(previous.spend_amount, 0) as previous_year_amount,
        with_gaps.invoice_count,
        with_gaps.year_number > owner_years.first_year
        and with_gaps.year_number = min(with_gaps.year_number) over (
            partition by with_gaps.owner_db_id, with_gaps.supplier_id
        ) as is_new,
        with_gaps.invoice_count = 0 and with_gaps.spend_amount = 0 and previous.supplier_id is not null as is_lost
    from with_gaps
    inner join owner_years
        on with_gaps.owner_db_id = owner_years.owner_db_id
    left join yearly as previous
        on
            with_gaps.owner_db_id = previous.owner_db_id
            and with_gaps.supplier_id = previous.supplier_id
            and with_gaps.year_number = previous.year_number + 1

),

owners as (

    select * from {{ ref('dim_owner') }}

),

suppliers as (

    select * from {{ ref('dim_supplier') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by owner_db_id, year_number
            order by spend_amount desc, supplier_id asc
        ) as spend_rank,
        sum(spend_amount) over (partition by owner_db_id, year_number) as total_amount,
        sum(spend_amount) over (
            partition by owner_db_id, year_number
            order by spend_amount desc, supplier_id asc
            rows between unbounded preceding and current row
        ) as cumulative_amount
    from supplier_years

),

-- The class follows what is bought before the supplier is added: the one that crosses 80 % is still an A.
classed as (

    select
        *,
        {{ ratio('spend_amount', 'total_amount') }} as spend_share,
        {{ ratio('cumulative_amount', 'total_amount') }} as cumulative_share,
        {{ ratio('cumulative_amount - spend_amount', 'total_amount') }} as share_before
    from ranked

)

select
    classed.owner_db_id,
    owners.owner_name,
    classed.year_number,
    classed.supplier_id,
    suppliers.supplier_name,
    cast(classed.spend_amount as decimal(33, 4)) as spend_amount,
    cast(classed.previous_year_amount as decimal(33, 4)) as previous_year_amount,
    owners.company_currency,
    classed.invoice_count,
    cast(classed.spend_rank as bigint) as spend_rank,
    classed.spend_share,
    classed.cumulative_share,
    case
        when classed.share_before < 0.8 then 'A'
        when classed.share_before < 0.95 then 'B'
        else 'C'
    end as abc_class,
    classed.share_before >= 0.8 as is_tail,
    classed.is_new,
    classed.is_lost
from classed
left join owners
    on classed.owner_db_id = owners.owner_db_id
left join suppliers
    on classed.supplier_id = suppliers.supplier_id
