with lines as (

    select * from {{ ref('int_ledger_lines_classified') }}
    {{ only_changed_vouchers('where') }}

),

owners as (

    select * from {{ ref('int_owners_with_currency') }}

),

currencies as (

    select * from {{ ref('stg_xledger__currency') }}

),

latest_run as (

    select * from {{ ref('int_latest_sync_run') }}

),

ledger_lines as (

    select
        lines.owner_db_id,
        lines.transaction_db_id,
        owners.owner_name,
        lines.header_db_id,
        lines.voucher_number,
        lines.document_type,
        lines.document_type_name,
        lines.posted_date,
        lines.period_id,
        lines.period_number,
        lines.fiscal_year,
        lines.account_db_id,
        lines.account_code,
        lines.account_name,
        lines.account_group,
        lines.account_class,
        lines.amount,
        lines.tax_amount,
        owners.company_currency,
        lines.transaction_amount,
        currencies.currency_code as transaction_currency,
        lines.line_text,
        lines.is_spend,
        lines.exclusion_reason,
        lines.guard_rule,
        latest_run.run_id as _run_id,
        latest_run.landed_at as _loaded_at
    from lines
    left join owners
        on lines.owner_db_id = owners.owner_db_id
    left join currencies
        on lines.currency_db_id = currencies.currency_db_id
    left join latest_run
        on true

)

select * from ledger_lines
