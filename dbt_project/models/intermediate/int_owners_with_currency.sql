{{ config(materialized='table') }}

with owners as (

    select * from {{ ref('stg_xledger__owner') }}

),

transactions as {{ inlined() }}(

    select * from {{ ref('stg_xledger__transaction') }}

),

currencies as (

    select * from {{ ref('stg_xledger__currency') }}

),

line_owners as (

    select owner_db_id
    from transactions
    group by owner_db_id

),

owners_without_currency as (

    select line_owners.owner_db_id
    from line_owners
    left join owners
        on line_owners.owner_db_id = owners.owner_db_id
    where owners.currency_code is null

),

line_currencies as (

    select
        transactions.owner_db_id,
        transactions.currency_db_id,
        count(case when transactions.amount = transactions.transaction_amount then 1 end) as lines_in_company_currency
    from transactions
    inner join owners_without_currency
        on transactions.owner_db_id = owners_without_currency.owner_db_id
    group by transactions.owner_db_id, transactions.currency_db_id

),

-- A line whose amount is the same in both currencies was most likely posted in the company's own.
candidates as (

    select
        line_currencies.owner_db_id,
        currencies.currency_code,
        row_number() over (
            partition by line_currencies.owner_db_id
            order by line_currencies.lines_in_company_currency desc, currencies.currency_code asc nulls last
        ) as candidate_number
    from line_currencies
    inner join currencies
        on line_currencies.currency_db_id = currencies.currency_db_id
    where line_currencies.lines_in_company_currency > 0

),

inferred_currencies as (

    select
        owner_db_id,
        currency_code
    from candidates
    where candidate_number = 1

),

all_owners as (

    select owner_db_id from owners
    union distinct
    select owner_db_id from line_owners

),

named as (

    select
        all_owners.owner_db_id,
        owners.owner_code,
        coalesce(owners.owner_name, 'Owner ' || {{ as_text('all_owners.owner_db_id') }}) as owner_name,
        owners.owner_org_number,
        owners.company_db_id,
        coalesce(owners.currency_code, inferred_currencies.currency_code) as company_currency,
        inferred_currencies.currency_code is not null as is_currency_inferred
    from all_owners
    left join owners
        on all_owners.owner_db_id = owners.owner_db_id
    left join inferred_currencies
        on all_owners.owner_db_id = inferred_currencies.owner_db_id

)

select * from named
