{{ config(materialized='table') }}

{%- set flags = [
    'is_cost_wages_salaries', 'is_cost_depreciation', 'is_cost_of_goods_sold', 'is_finance', 'is_revenue', 'is_equity',
    'is_cost_sales_and_marketing', 'is_cost_other_operating', 'is_cost', 'is_vat', 'is_liabilities', 'is_asset',
    'is_balance_sheet',
] %}

with accounts as (

    select
        *,
        {{ account_number('account_code') }} as account_number
    from {{ ref('stg_xledger__account') }}

),

account_rules as (

    select * from {{ ref('account_rules') }}

),

account_rule_overrides as (

    select * from {{ ref('account_rule_overrides') }}

),

account_flag_rules as (

    select * from {{ ref('account_flag_rules') }}

),

set_flags as (

    {% for flag in flags %}
        select
            owner_db_id,
            account_db_id,
            '{{ flag }}' as flag
        from accounts
        where {{ flag }}
        {{ "union all" if not loop.last }}
    {% endfor %}

),

-- The class trusts the account's own flags where they are specific, then the number, then the broad flags. The guard
-- follows the numbers that a company can override, and the flags only where no number rule speaks.
candidates as (

    select
        accounts.owner_db_id,
        accounts.account_db_id,
        account_rule_overrides.account_class,
        account_rule_overrides.guard_rule,
        account_rule_overrides.guard_exempt_document_types,
        account_rule_overrides.is_capex,
        account_rule_overrides.is_prepaid,
        case when account_rule_overrides.owner_db_id is null then -1 else -2 end as class_precedence,
        case when account_rule_overrides.owner_db_id is null then -1 else -2 end as guard_precedence
    from accounts
    inner join account_rule_overrides
        on
            coalesce(account_rule_overrides.owner_db_id, accounts.owner_db_id) = accounts.owner_db_id
            and coalesce(account_rule_overrides.chart_of_account_db_id, accounts.chart_of_account_db_id, 0)
            = coalesce(accounts.chart_of_account_db_id, 0)
            and (
                accounts.account_code = account_rule_overrides.account_code
                or accounts.account_number
                between account_rule_overrides.account_from and account_rule_overrides.account_to
            )

    union all

    select
        accounts.owner_db_id,
        accounts.account_db_id,
        account_rules.account_class,
        account_rules.guard_rule,
        account_rules.guard_exempt_document_types,
        account_rules.is_capex,
        account_rules.is_prepaid,
        10 as class_precedence,
        10 as guard_precedence
    from accounts
    inner join account_rules
        on
            accounts.chart_of_account_db_id = account_rules.chart_of_account_db_id
            and accounts.account_number between account_rules.account_from and account_rules.account_to

    union all

    select
        set_flags.owner_db_id,
        set_flags.account_db_id,
        account_flag_rules.account_class,
        account_flag_rules.guard_rule,
        account_flag_rules.guard_exempt_document_types,
        account_flag_rules.is_capex,
        false as is_prepaid,
        account_flag_rules.precedence as class_precedence,
        100 + account_flag_rules.precedence as guard_precedence
    from set_flags
    inner join account_flag_rules
        on set_flags.flag = account_flag_rules.flag

),

ranked as (

    select
        *,
        row_number() over (
            partition by owner_db_id, account_db_id
            order by class_precedence, account_class nulls last
        ) as class_number,
        row_number() over (
            partition by owner_db_id, account_db_id
            order by guard_precedence, guard_rule nulls last
        ) as guard_number
    from candidates

),

best_classes as (

    select * from ranked
    where class_number = 1

),

best_guards as (

    select * from ranked
    where guard_number = 1

),

classified as (

    select
        accounts.owner_db_id,
        accounts.account_db_id,
        accounts.account_code,
        accounts.account_number,
        accounts.account_name,
        accounts.account_group,
        accounts.chart_of_account_db_id,
        accounts.chart_name,
        coalesce(best_classes.account_class, 'Unmapped') as account_class,
        best_guards.guard_rule,
        best_guards.guard_exempt_document_types,
        coalesce(best_guards.is_capex, false) as is_capex,
        coalesce(best_guards.is_prepaid, false) as is_prepaid,
        coalesce(best_classes.account_class = 'personnel', false) as is_personnel_related,
        coalesce(accounts.is_balance_sheet, false) as is_balance_sheet
    from accounts
    left join best_classes
        on
            accounts.owner_db_id = best_classes.owner_db_id
            and accounts.account_db_id = best_classes.account_db_id
    left join best_guards
        on
            accounts.owner_db_id = best_guards.owner_db_id
            and accounts.account_db_id = best_guards.account_db_id

)

select * from classified
