with accounts as (

    select * from {{ ref('int_accounts_classified') }}

),

account_categories as (

    select * from {{ ref('int_accounts_categorised') }}

),

categories as (

    select * from {{ ref('categories') }}

),

described as (

    select
        accounts.owner_db_id,
        accounts.account_db_id,
        accounts.account_code,
        accounts.account_number,
        accounts.account_name,
        accounts.account_group,
        accounts.chart_of_account_db_id,
        accounts.chart_name,
        accounts.account_class,
        accounts.is_balance_sheet,
        {{ is_in_ranges('accounts.account_number', var('excluded_account_ranges')) }} as is_in_excluded_range,
        accounts.guard_rule,
        accounts.guard_exempt_document_types,
        accounts.is_capex,
        accounts.is_prepaid,
        accounts.is_personnel_related,
        coalesce(categories.level_1, 'Uncategorised') as category_level_1,
        coalesce(categories.level_2, 'Uncategorised') as category_level_2,
        coalesce(categories.level_3, 'Uncategorised') as category_level_3,
        coalesce(categories.level_4, 'Uncategorised') as category_level_4
    from accounts
    left join account_categories
        on
            accounts.owner_db_id = account_categories.owner_db_id
            and accounts.account_db_id = account_categories.account_db_id
    left join categories
        on account_categories.category_code = categories.category_code

)

select * from described
