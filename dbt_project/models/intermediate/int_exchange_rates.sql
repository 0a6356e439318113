with exchange_rates as (

    select * from {{ ref('exchange_rates') }}
    where group_currency = '{{ var('group_currency') }}'

),

-- A rate holds until the next one of the same currency.
spans as (

    select
        currency,
        rate,
        valid_from,
        lead(valid_from) over (
            partition by currency
            order by valid_from
        ) as valid_before
    from exchange_rates

)

select * from spans
