with spend as (

    select * from {{ ref('fct_spend') }}

),

monthly as (

    select
        owner_db_id,
        owner_name,
        company_currency,
        {{ first_day_of('month', 'spend_date') }} as month_start,
        coalesce(supplier_id, 'unattributed') as supplier_id,
        coalesce(supplier_name, 'Unattributed') as supplier_name,
        category_level_1,
        category_level_2,
        category_level_3,
        sum(amount_net) as spend_amount,
        count(distinct transaction_db_id) as line_count
    from spend
    where spend_date is not null
    group by
        owner_db_id, owner_name, company_currency, {{ first_day_of('month', 'spend_date') }},
        coalesce(supplier_id, 'unattributed'), coalesce(supplier_name, 'Unattributed'),
        category_level_1, category_level_2, category_level_3

),

last_months as (

    select
        owner_db_id,
        max(month_start) as last_month
    from monthly
    group by owner_db_id

),

-- Every month's spend stands once for itself, and again as the previous one of the month and of the year after it, so
-- that a supplier that stopped still has its row.
shifted as (

    select
        owner_db_id,
        owner_name,
        company_currency,
        month_start,
        supplier_id,
        supplier_name,
        category_level_1,
        category_level_2,
        category_level_3,
        line_count,
        spend_amount as this_amount,
        0 as previous_month_amount,
        0 as previous_year_amount
    from monthly

    union all

    select
        owner_db_id,
        owner_name,
        company_currency,
        {{ date_plus('month_start', 1, 'month') }} as month_start,
        supplier_id,
        supplier_name,
        category_level_1,
        category_level_2,
        category_level_3,
        0 as line_count,
        0 as this_amount,
        spend_amount as previous_month_amount,
        0 as previous_year_amount
    from monthly

    union all

    select
        owner_db_id,
        owner_name,
        company_currency,
        {{ date_plus('month_start', 1, 'year') }} as month_start,
        supplier_id,
        supplier_name,
        category_level_1,
        category_level_2,
        category_level_3,
        0 as line_count,
        0 as this_amount,
        0 as previous_month_amount,
        spend_amount as previous_year_amount
    from monthly

),

combined as (

    select
        shifted.owner_db_id,
        min(shifted.owner_name) as owner_name,
        shifted.month_start,
        shifted.supplier_id,
        min(shifted.supplier_name) as supplier_name,
        shifted.category_level_1,
        shifted.category_level_2,
        shifted.category_level_3,
        cast(sum(shifted.this_amount) as decimal(33, 4)) as spend_amount,
        cast(sum(shifted.previous_month_amount) as decimal(33, 4)) as previous_month_amount,
        cast(sum(shifted.previous_year_amount) as decimal(33, 4)) as previous_year_amount,
        min(shifted.company_currency) as company_currency,
        cast(sum(shifted.line_count) as bigint) as line_count
    from shifted
    inner join last_months
        on
            shifted.owner_db_id = last_months.owner_db_id
            and shifted.month_start <= last_months.last_month
    group by
        shifted.owner_db_id, shifted.month_start, shifted.supplier_id, shifted.category_level_1,
        shifted.category_level_2, shifted.category_level_3

)

select * from combined
