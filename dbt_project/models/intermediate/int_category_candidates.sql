with attribution as (

    select * from {{ ref('int_supplier_attribution') }}

),

lines as (

    select * from {{ ref('int_ledger_lines_classified') }}
    where is_spend

),

accounts as (

    select * from {{ ref('int_accounts_classified') }}

),

suppliers as (

    select * from {{ ref('int_line_suppliers') }}

),

dimension_values as (

    select * from {{ ref('int_line_dimension_values') }}

),

category_rules as (

    select * from {{ ref('category_rules') }}

),

-- What a rule says of accounts is settled once per account, not once per line.
account_rules as (

    select
        accounts.owner_db_id as account_owner_db_id,
        accounts.account_db_id,
        category_rules.*
    from accounts
    inner join category_rules
        on
            coalesce(category_rules.chart_of_account_db_id, accounts.chart_of_account_db_id, 0)
            = coalesce(accounts.chart_of_account_db_id, 0)
            and coalesce(category_rules.account_class, accounts.account_class) = accounts.account_class
            and (
                category_rules.account_from is null
                or accounts.account_number between category_rules.account_from and category_rules.account_to
            )

),

spend as (

    select
        attribution.owner_db_id,
        attribution.transaction_db_id,
        attribution.header_db_id,
        attribution.split_number,
        attribution.amount,
        suppliers.supplier_id,
        lines.account_owner_db_id,
        lines.account_db_id,
        lines.line_text,
        lines.dimension_1_db_id,
        lines.dimension_2_db_id,
        lines.dimension_3_db_id,
        lines.dimension_4_db_id,
        lines.dimension_5_db_id
    from attribution
    inner join lines
        on
            attribution.owner_db_id = lines.owner_db_id
            and attribution.transaction_db_id = lines.transaction_db_id
    left join suppliers
        on
            attribution.owner_db_id = suppliers.line_owner_db_id
            and attribution.supplier_db_id = suppliers.supplier_db_id

),

candidates as (

    select
        spend.owner_db_id,
        spend.transaction_db_id,
        spend.header_db_id,
        spend.split_number,
        spend.amount,
        account_rules.rule_id,
        account_rules.priority,
        account_rules.category_code
    from spend
    inner join account_rules
        on
            spend.account_owner_db_id = account_rules.account_owner_db_id
            and spend.account_db_id = account_rules.account_db_id
            and coalesce(account_rules.owner_db_id, spend.owner_db_id) = spend.owner_db_id
            and coalesce(spend.supplier_id = account_rules.supplier_id, account_rules.supplier_id is null)
            and (
                account_rules.text_contains is null
                or {{ dbt.position(lower_case('account_rules.text_contains'), lower_case('spend.line_text')) }} > 0
            )
    left join dimension_values
        on
            spend.owner_db_id = dimension_values.line_owner_db_id
            and account_rules.dimension_number = dimension_values.dimension_number
            and account_rules.dimension_code = dimension_values.dimension_value_code
    where
        account_rules.dimension_code is null
        or dimension_values.dimension_value_db_id = case account_rules.dimension_number
            when 1 then spend.dimension_1_db_id
            when 2 then spend.dimension_2_db_id
            when 3 then spend.dimension_3_db_id
            when 4 then spend.dimension_4_db_id
            when 5 then spend.dimension_5_db_id
        end

)

select * from candidates
