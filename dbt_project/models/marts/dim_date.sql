with lines as (

    select * from {{ ref('int_ledger_lines_classified') }}

),

attribution as (

    select * from {{ ref('int_supplier_attribution') }}

),

items as (

    select * from {{ ref('int_ap_items_classified') }}

),

-- Whole years around every date that a fact holds. A typing error of a century must not make a calendar of its own.
used_dates as (

    select posted_date as used_date from lines
    union all
    select invoice_date as used_date from attribution
    union all
    select due_date as used_date from items
    union all
    select paid_date as used_date from items

),

bounds as (

    select
        {{ first_day_of('year', 'min(used_date)') }} as first_day,
        cast(extract(year from max(used_date)) as integer) as last_year
    from used_dates
    where used_date between date '1990-01-01' and date '2100-12-31'

),

-- As many as there are days from 1990 to 2100.
numbers as (

    {{ dbt.generate_series(40543) | trim }}

),

days as (

    select {{ date_plus('bounds.first_day', 'cast(numbers.generated_number - 1 as integer)', 'day') }} as date_day
    from bounds
    cross join numbers

),

-- 1 January 1900 was a Monday.
years as (

    select
        days.date_day,
        cast(extract(year from days.date_day) as integer) as year_number,
        cast(mod({{ days_between("date '1900-01-01'", 'days.date_day') }}, 7) + 1 as integer) as weekday_number
    from days
    inner join bounds
        on extract(year from days.date_day) <= bounds.last_year

),

-- An ISO week belongs to the year that its Thursday lies in.
thursdays as (

    select
        *,
        {{ date_plus('date_day', '4 - weekday_number', 'day') }} as thursday
    from years

),

described as (

    select
        date_day,
        year_number,
        cast(extract(quarter from date_day) as integer) as quarter_number,
        cast(extract(month from date_day) as integer) as month_number,
        {{ as_text('year_number') }}
        || '-' || lpad({{ as_text('cast(extract(month from date_day) as integer)') }}, 2, '0') as month_label,
        {{ first_day_of('month', 'date_day') }} as month_start,
        weekday_number,
        1 + cast(
            floor({{ days_between(first_day_of('year', 'thursday'), 'thursday') }} / 7.0) as integer
        ) as iso_week_number,
        cast(extract(year from thursday) as integer) as iso_year_number
    from thursdays

)

select * from described
