with lines as (

    select * from {{ ref('int_ledger_lines_classified') }}
    where is_spend

),

attribution as (

    select * from {{ ref('int_supplier_attribution') }}

),

suppliers as (

    select * from {{ ref('int_suppliers_normalised') }}

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

account_categories as (

    select * from {{ ref('int_accounts_categorised') }}

),

categories as (

    select * from {{ ref('categories') }}

),

latest_run as (

    select * from {{ ref('int_latest_sync_run') }}

),

attributed_suppliers as (

    select distinct
        owner_db_id,
        supplier_db_id
    from attribution
    where supplier_db_id is not null

),

line_suppliers as (

    select
        attributed_suppliers.owner_db_id as line_owner_db_id,
        suppliers.*
    from attributed_suppliers
    inner join suppliers
        on attributed_suppliers.supplier_db_id = suppliers.supplier_db_id
    qualify
        {{ own_row_first(
            ['attributed_suppliers.owner_db_id', 'attributed_suppliers.supplier_db_id'],
            'attributed_suppliers.owner_db_id', 'suppliers.owner_db_id'
        ) }}

),

spend as (

    select
        attribution.owner_db_id
        || '-' || attribution.transaction_db_id
        || coalesce('-' || attribution.split_number, '') as spend_id,
        lines.transaction_db_id,
        lines.owner_db_id,
        owners.owner_name,
        lines.header_db_id,
        lines.voucher_number,
        lines.document_type,
        lines.posted_date,
        attribution.invoice_date,
        attribution.due_date,
        {% if var('spend_date_rule') == 'invoice_date' -%}
        coalesce(attribution.invoice_date, lines.posted_date)
        {%- elif var('spend_date_rule') == 'posted_date' -%}
        lines.posted_date
        {%- else -%}
        {{ exceptions.raise_compiler_error("spend_date_rule is invoice_date or posted_date, not " ~ var('spend_date_rule')) }}
        {%- endif %} as spend_date,
        lines.period_id,
        lines.period_number,
        lines.fiscal_year,
        lines.account_code,
        lines.account_name,
        lines.account_group,
        lines.account_class,
        case
            when attribution.supplier_attribution_method = 'none_employee_expense' then 'employee-expenses'
            else coalesce(
                line_suppliers.supplier_id,
                'source-' || attribution.owner_db_id || '-' || attribution.supplier_db_id
            )
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
        {%- for number in range(1, 6) %}
        dimension_{{ number }}.dimension_value_code as dimension_{{ number }}_code,
        dimension_{{ number }}.dimension_value_name as dimension_{{ number }}_name,
        {%- endfor %}
        lines.line_text,
        attribution.is_credit_note,
        lines.is_capex,
        coalesce(line_suppliers.is_intercompany, false) as is_intercompany,
        lines.is_personnel_related,
        coalesce(categories.level_1, 'Uncategorised') as category_level_1,
        coalesce(categories.level_2, 'Uncategorised') as category_level_2,
        coalesce(categories.level_3, 'Uncategorised') as category_level_3,
        coalesce(categories.level_4, 'Uncategorised') as category_level_4,
        account_categories.rule_id as category_rule_id,
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
    {%- for number in range(1, 6) %}
    left join dimension_values as dimension_{{ number }}
        on
            lines.owner_db_id = dimension_{{ number }}.line_owner_db_id
            and lines.dimension_{{ number }}_db_id = dimension_{{ number }}.dimension_value_db_id
            and dimension_{{ number }}.dimension_number = {{ number }}
    {%- endfor %}
    left join account_categories
        on
            lines.account_owner_db_id = account_categories.owner_db_id
            and lines.account_db_id = account_categories.account_db_id
    left join categories
        on account_categories.category_code = categories.category_code
    left join latest_run
        on true

)

select * from spend
