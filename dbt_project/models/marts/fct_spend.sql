with lines as (

    select * from {{ ref('int_ledger_lines_classified') }}
    where is_spend

),

attribution as (

    select * from {{ ref('int_supplier_attribution') }}
    {{ only_changed_vouchers('where') }}

),

line_suppliers as (

    select * from {{ ref('int_line_suppliers') }}

),

owners as (

    select * from {{ ref('int_owners_with_currency') }}

),

currencies as (

    select * from {{ ref('stg_xledger__currency') }}

),

dimension_values as (

    select * from {{ ref('int_line_dimension_values') }}

),

categories as (

    select * from {{ ref('int_spend_categorised') }}

),

exchange_rates as (

    select * from {{ ref('int_exchange_rates') }}

),

latest_run as (

    select * from {{ ref('int_latest_sync_run') }}

),

spend as (

    select
        {{ owner_and_id('attribution.owner_db_id', 'attribution.transaction_db_id') }}
        || coalesce('-' || {{ as_text('attribution.split_number') }}, '') as spend_id,
        lines.transaction_db_id,
        lines.owner_db_id,
        owners.owner_name,
        lines.header_db_id,
        lines.voucher_number,
        lines.document_type,
        lines.posted_date,
        attribution.invoice_date,
        attribution.due_date,
        attribution.paid_date,
        {{ spend_date('attribution.invoice_date', 'lines.posted_date') }} as spend_date,
        lines.period_id,
        lines.period_number,
        lines.fiscal_year,
        lines.account_db_id,
        lines.account_code,
        lines.account_name,
        lines.account_group,
        lines.account_class,
        case
            when attribution.supplier_attribution_method = 'none_employee_expense' then 'employee-expenses'
            else line_suppliers.supplier_id
        end as supplier_id,
        attribution.supplier_db_id,
        case
            when attribution.supplier_attribution_method = 'none_employee_expense' then 'Employee expenses'
            else line_suppliers.supplier_name
        end as supplier_name,
        line_suppliers.supplier_org_number,
        line_suppliers.supplier_country,
        attribution.supplier_attribution_method,
        attribution.supplier_attribution_confidence,
        attribution.invoice_number,
        attribution.amount as amount_net,
        attribution.tax_amount,
        cast(attribution.amount + attribution.tax_amount as decimal(19, 4)) as amount_gross,
        owners.company_currency,
        attribution.transaction_amount,
        currencies.currency_code as transaction_currency,
        cast(
            case
                when owners.company_currency = '{{ var('group_currency') }}' then attribution.amount
                else round(attribution.amount * exchange_rates.rate, 4)
            end as decimal(19, 4)
        ) as amount_net_group,
        '{{ var('group_currency') }}' as group_currency,
        dimension_1.dimension_value_code as dimension_1_code,
        dimension_1.dimension_value_name as dimension_1_name,
        dimension_2.dimension_value_code as dimension_2_code,
        dimension_2.dimension_value_name as dimension_2_name,
        dimension_3.dimension_value_code as dimension_3_code,
        dimension_3.dimension_value_name as dimension_3_name,
        dimension_4.dimension_value_code as dimension_4_code,
        dimension_4.dimension_value_name as dimension_4_name,
        dimension_5.dimension_value_code as dimension_5_code,
        dimension_5.dimension_value_name as dimension_5_name,
        lines.line_text,
        attribution.is_credit_note,
        lines.is_capex,
        coalesce(line_suppliers.is_intercompany, false) as is_intercompany,
        lines.is_personnel_related,
        coalesce(categories.category_level_1, 'Uncategorised') as category_level_1,
        coalesce(categories.category_level_2, 'Uncategorised') as category_level_2,
        coalesce(categories.category_level_3, 'Uncategorised') as category_level_3,
        coalesce(categories.category_level_4, 'Uncategorised') as category_level_4,
        categories.category_rule_id,
        latest_run.run_id as _run_id,
        latest_run.landed_at as _loaded_at
    from attribution
    inner join lines
        on
            attribution.owner_db_id = lines.owner_db_id
            and attribution.transaction_db_id = lines.transaction_db_id
    left join owners
        on attribution.owner_db_id = owners.owner_db_id
    left join line_suppliers
        on
            attribution.owner_db_id = line_suppliers.line_owner_db_id
            and attribution.supplier_db_id = line_suppliers.supplier_db_id
    left join currencies
        on lines.currency_db_id = currencies.currency_db_id
    left join dimension_values as dimension_1
        on
            lines.owner_db_id = dimension_1.line_owner_db_id
            and lines.dimension_1_db_id = dimension_1.dimension_value_db_id
            and dimension_1.dimension_number = 1
    left join dimension_values as dimension_2
        on
            lines.owner_db_id = dimension_2.line_owner_db_id
            and lines.dimension_2_db_id = dimension_2.dimension_value_db_id
            and dimension_2.dimension_number = 2
    left join dimension_values as dimension_3
        on
            lines.owner_db_id = dimension_3.line_owner_db_id
            and lines.dimension_3_db_id = dimension_3.dimension_value_db_id
            and dimension_3.dimension_number = 3
    left join dimension_values as dimension_4
        on
            lines.owner_db_id = dimension_4.line_owner_db_id
            and lines.dimension_4_db_id = dimension_4.dimension_value_db_id
            and dimension_4.dimension_number = 4
    left join dimension_values as dimension_5
        on
            lines.owner_db_id = dimension_5.line_owner_db_id
            and lines.dimension_5_db_id = dimension_5.dimension_value_db_id
            and dimension_5.dimension_number = 5
    left join categories
        on
            attribution.owner_db_id = categories.owner_db_id
            and attribution.transaction_db_id = categories.transaction_db_id
            and attribution.split_number is not distinct from categories.split_number
    left join exchange_rates
        on
            owners.company_currency = exchange_rates.currency
            and {{ spend_date('attribution.invoice_date', 'lines.posted_date') }} >= exchange_rates.valid_from
            and (
                exchange_rates.valid_before is null
                or {{ spend_date('attribution.invoice_date', 'lines.posted_date') }} < exchange_rates.valid_before
            )
    left join latest_run
        on true

)

select * from spend
