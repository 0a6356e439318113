{{ config(materialized='table') }}

with transactions as (

    select * from {{ ref('stg_xledger__transaction') }}

),

headers as (

    select * from {{ ref('stg_xledger__transaction_header') }}

),

accounts as (

    select * from {{ ref('int_accounts_classified') }}

),

document_types as (

    select * from {{ ref('document_types') }}

),

used_accounts as (

    select distinct
        owner_db_id,
        account_db_id
    from transactions

),

line_accounts as (

    select
        used_accounts.owner_db_id as line_owner_db_id,
        accounts.owner_db_id as account_owner_db_id,
        accounts.account_db_id,
        accounts.account_code,
        accounts.account_number,
        accounts.account_name,
        accounts.account_group,
        accounts.chart_of_account_db_id,
        accounts.account_class,
        accounts.guard_rule,
        accounts.guard_exempt_document_types,
        accounts.is_capex,
        accounts.is_prepaid,
        accounts.is_personnel_related
    from used_accounts
    inner join accounts
        on used_accounts.account_db_id = accounts.account_db_id
    qualify
        {{ own_row_first(
            ['used_accounts.owner_db_id', 'used_accounts.account_db_id'],
            'used_accounts.owner_db_id', 'accounts.owner_db_id'
        ) }}

),

lines as (

    select
        transactions.*,
        headers.voucher_number,
        headers.document_type,
        headers.document_type_name,
        coalesce(document_types.document_role, 'other') as document_role,
        headers.fiscal_year,
        headers.posted_date,
        line_accounts.account_owner_db_id,
        line_accounts.account_code,
        line_accounts.account_number,
        line_accounts.account_name,
        line_accounts.account_group,
        line_accounts.chart_of_account_db_id,
        coalesce(line_accounts.account_class, 'Unmapped') as account_class,
        coalesce(line_accounts.is_capex, false) as is_capex,
        coalesce(line_accounts.is_prepaid, false) as is_prepaid,
        coalesce(line_accounts.is_personnel_related, false) as is_personnel_related,
        coalesce(headers.document_type in {{ text_list(var('spend_document_types')) }}, false)
            as is_spend_document_type,
        {{ is_in_ranges('line_accounts.account_number', var('excluded_account_ranges')) }} as is_in_excluded_range,
        case
            when ' ' || line_accounts.guard_exempt_document_types || ' ' like '% ' || headers.document_type || ' %'
                then null
            else line_accounts.guard_rule
        end as account_guard_rule
    from transactions
    left join headers
        on
            transactions.owner_db_id = headers.owner_db_id
            and transactions.header_db_id = headers.header_db_id
    left join line_accounts
        on
            transactions.owner_db_id = line_accounts.line_owner_db_id
            and transactions.account_db_id = line_accounts.account_db_id
    left join document_types
        on headers.document_type = document_types.document_type

),

-- A voucher that only moves money between prepaid accounts and cost bought nothing: that cost counted when it was
-- invoiced.
prepaid_releases as (

    select
        owner_db_id,
        header_db_id
    from lines
    where
        not is_in_excluded_range
        and (account_guard_rule is null or is_prepaid)
    group by owner_db_id, header_db_id
    having
        bool_or(is_prepaid and account_guard_rule is not null)
        and sum(amount) = 0

),

guarded as (

    select
        lines.*,
        case
            when not lines.is_prepaid and lines.account_guard_rule is not null then lines.account_guard_rule
            when prepaid_releases.header_db_id is not null then 'prepaid_release'
        end as guard_rule
    from lines
    left join prepaid_releases
        on
            lines.owner_db_id = prepaid_releases.owner_db_id
            and lines.header_db_id = prepaid_releases.header_db_id

),

classified as (

    select
        *,
        case
            when not is_spend_document_type then 'document_type'
            when is_in_excluded_range then 'account_range'
            {%- if var('account_guard') %}
                when guard_rule is not null then 'account_guard:' || guard_rule
            {%- endif %}
        end as exclusion_reason
    from guarded

)

select
    *,
    exclusion_reason is null as is_spend
from classified
