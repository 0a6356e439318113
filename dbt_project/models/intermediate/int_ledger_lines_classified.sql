with transactions as {{ inlined() }}(

    select * from {{ ref('stg_xledger__transaction') }}
    {{ only_changed_vouchers('where') }}

),

headers as {{ inlined() }}(

    select * from {{ ref('stg_xledger__transaction_header') }}

),

accounts as (

    select * from {{ ref('int_accounts_classified') }}

),

document_types as (

    select * from {{ ref('document_types') }}

),

-- What is known of a document type stands once for each type: the lines then carry short codes through their joins.
types as (

    select
        headers.document_type,
        min(headers.document_type_name) as document_type_name,
        coalesce(min(document_types.document_role), 'other') as document_role,
        headers.document_type in {{ text_list(var('spend_document_types')) }} as is_spend_document_type
    from headers
    left join document_types
        on headers.document_type = document_types.document_type
    where headers.document_type is not null
    group by headers.document_type

),

-- Grouped, not distinct: DuckDB estimates groups, and without an estimate it would hold all lines to find the few
-- releases among them.
used_accounts as (

    select
        owner_db_id,
        account_db_id
    from transactions
    group by owner_db_id, account_db_id

),

ranked_accounts as (

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
        accounts.is_personnel_related,
        {{ is_in_ranges('accounts.account_number', var('excluded_account_ranges')) }} as is_in_excluded_range,
        {{ own_row_first(
            ['used_accounts.owner_db_id', 'used_accounts.account_db_id'],
            'used_accounts.owner_db_id', 'accounts.owner_db_id'
        ) }} as register_row
    from used_accounts
    inner join accounts
        on used_accounts.account_db_id = accounts.account_db_id

),

line_accounts as (

    select * from ranked_accounts
    where register_row = 1

),

prepaid_vouchers as (

    select distinct
        transactions.owner_db_id,
        transactions.header_db_id
    from transactions
    inner join line_accounts
        on
            transactions.owner_db_id = line_accounts.line_owner_db_id
            and transactions.account_db_id = line_accounts.account_db_id
    where line_accounts.is_prepaid

),

prepaid_and_cost_lines as (

    select
        transactions.owner_db_id,
        transactions.transaction_db_id,
        transactions.header_db_id,
        transactions.amount,
        coalesce(transactions.tax_amount, 0) = 0 as is_untaxed,
        line_accounts.is_prepaid,
        {{ applied_guard_rule('line_accounts', 'headers.document_type') }} as account_guard_rule
    from transactions
    inner join prepaid_vouchers
        on
            transactions.owner_db_id = prepaid_vouchers.owner_db_id
            and transactions.header_db_id = prepaid_vouchers.header_db_id
    left join headers
        on
            transactions.owner_db_id = headers.owner_db_id
            and transactions.header_db_id = headers.header_db_id
    inner join line_accounts
        on
            transactions.owner_db_id = line_accounts.line_owner_db_id
            and transactions.account_db_id = line_accounts.account_db_id
    where
        not line_accounts.is_in_excluded_range
        and (
            line_accounts.is_prepaid
            or {{ applied_guard_rule('line_accounts', 'headers.document_type') }} is null
        )

),

-- A voucher that only moves money between prepaid accounts and cost bought nothing: that cost counted when it was
-- invoiced.
release_vouchers as (

    select
        owner_db_id,
        header_db_id
    from prepaid_and_cost_lines
    group by owner_db_id, header_db_id
    having
        {{ dbt.bool_or('is_prepaid and account_guard_rule is not null') }}
        and sum(amount) = 0

),

-- Nor did the lines of an invoice that take a part of what is prepaid to cost at once: as many credits on prepaid
-- accounts as debits on cost of the same amount, without tax.
release_amounts as (

    select
        owner_db_id,
        header_db_id,
        abs(amount) as released_amount
    from prepaid_and_cost_lines
    where is_untaxed and amount <> 0
    group by owner_db_id, header_db_id, abs(amount)
    having
        not {{ dbt.bool_or('is_prepaid <> (amount < 0)') }}
        and sum(amount) = 0

),

prepaid_releases as (

    select
        prepaid_and_cost_lines.owner_db_id,
        prepaid_and_cost_lines.transaction_db_id
    from prepaid_and_cost_lines
    left join release_vouchers
        on
            prepaid_and_cost_lines.owner_db_id = release_vouchers.owner_db_id
            and prepaid_and_cost_lines.header_db_id = release_vouchers.header_db_id
    left join release_amounts
        on
            prepaid_and_cost_lines.owner_db_id = release_amounts.owner_db_id
            and prepaid_and_cost_lines.header_db_id = release_amounts.header_db_id
            and case when prepaid_and_cost_lines.is_untaxed then abs(prepaid_and_cost_lines.amount) end
            = release_amounts.released_amount
    where
        release_vouchers.header_db_id is not null
        or release_amounts.header_db_id is not null

),

lines as (

    select
        transactions.*,
        headers.voucher_number,
        headers.document_type,
        types.document_type_name,
        coalesce(types.document_role, 'other') as document_role,
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
        coalesce(types.is_spend_document_type, false) as is_spend_document_type,
        coalesce(line_accounts.is_in_excluded_range, false) as is_in_excluded_range,
        {{ applied_guard_rule('line_accounts', 'headers.document_type') }} as account_guard_rule,
        prepaid_releases.transaction_db_id is not null as is_prepaid_release
    from transactions
    left join headers
        on
            transactions.owner_db_id = headers.owner_db_id
            and transactions.header_db_id = headers.header_db_id
    left join line_accounts
        on
            transactions.owner_db_id = line_accounts.line_owner_db_id
            and transactions.account_db_id = line_accounts.account_db_id
    left join types
        on headers.document_type = types.document_type
    left join prepaid_releases
        on
            transactions.owner_db_id = prepaid_releases.owner_db_id
            and transactions.transaction_db_id = prepaid_releases.transaction_db_id

),

guarded as (

    select
        *,
        case
            when not is_prepaid and account_guard_rule is not null then account_guard_rule
            when is_prepaid_release then 'prepaid_release'
        end as guard_rule
    from lines

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
