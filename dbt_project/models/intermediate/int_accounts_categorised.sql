{{ config(materialized='table') }}

with accounts as (

    select * from {{ ref('int_accounts_classified') }}

),

category_rules as (

    select * from {{ ref('category_rules') }}
    where
        supplier_id is null
        and dimension_code is null
        and text_contains is null

),

-- Rules on the account alone are settled once per account, not once per line.
candidates as (

    select
        accounts.owner_db_id,
        accounts.account_db_id,
        category_rules.rule_id,
        category_rules.priority,
        category_rules.category_code,
        row_number() over (
            partition by accounts.owner_db_id, accounts.account_db_id
            order by category_rules.priority, category_rules.rule_id
        ) as candidate_number
    from accounts
    inner join category_rules
        on
            coalesce(category_rules.owner_db_id, accounts.owner_db_id) = accounts.owner_db_id
            and coalesce(category_rules.chart_of_account_db_id, accounts.chart_of_account_db_id, 0)
            = coalesce(accounts.chart_of_account_db_id, 0)
            and coalesce(category_rules.account_class, accounts.account_class) = accounts.account_class
            and (
                category_rules.account_from is null
                or accounts.account_number between category_rules.account_from and category_rules.account_to
            )

),

categorised as (

    select
        owner_db_id,
        account_db_id,
        rule_id,
        priority,
        category_code
    from candidates
    where candidate_number = 1

)

select * from categorised
