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
        min(used_date) as first_date,
        max(used_date) as last_date
    from used_dates
    where used_date between date '1990-01-01' and date '2100-12-31'

),

days as (

    select
        unnest(
            generate_series(
                date_trunc('year', first_date),
                date_trunc('year', last_date) + interval 1 year - interval 1 day,
                interval 1 day
            )
        ) as midnight
    from bounds

),

described as (

    select
        cast(midnight as date) as date_day,
        cast(year(midnight) as integer) as year_number,
        cast(quarter(midnight) as integer) as quarter_number,
        cast(month(midnight) as integer) as month_number,
        strftime(midnight, '%Y-%m') as month_label,
        cast(date_trunc('month', midnight) as date) as month_start,
        cast(isodow(midnight) as integer) as weekday_number,
        cast(weekofyear(midnight) as integer) as iso_week_number,
        cast(isoyear(midnight) as integer) as iso_year_number
    from days

)

select * from described
