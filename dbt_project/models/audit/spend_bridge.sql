with lines as (

    select * from {{ ref('int_ledger_lines_classified') }}

),

owners as (

    select * from {{ ref('int_owners_with_currency') }}

),

-- What the rules say of each line, in the order they are applied; the guard's word counts only while it is on.
judged as {{ inlined() }}(

    select
        owner_db_id,
        amount,
        is_spend,
        case
            when not is_spend_document_type then 'document_type'
            when is_in_excluded_range then 'account_range'
            when guard_rule is not null then 'account_guard'
        end as removed_by,
        case
            when not is_spend_document_type then coalesce(document_type, 'unknown')
            when is_in_excluded_range then 'all'
            when guard_rule is not null then guard_rule
        end as detail
    from lines

),

removed as (

    select
        owner_db_id,
        case removed_by when 'document_type' then 2 when 'account_range' then 3 else 5 end as step_number,
        'removed by ' || removed_by as step,
        detail,
        not {{ dbt.bool_or('is_spend') }} as is_applied,
        -count(*) as line_count,
        -sum(amount) as amount
    from judged
    where removed_by is not null
    group by owner_db_id, removed_by, detail

),

totals as (

    select
        owner_db_id,
        count(*) as received_lines,
        sum(amount) as received_amount,
        count(case when removed_by is null or removed_by = 'account_guard' then 1 end) as literal_lines,
        sum(case when removed_by is null or removed_by = 'account_guard' then amount end) as literal_amount,
        count(case when is_spend then 1 end) as spend_lines,
        sum(case when is_spend then amount end) as spend_amount
    from judged
    group by owner_db_id

),

steps as (

    select
        owner_db_id,
        1 as step_number,
        'received' as step,
        'all' as detail,
        true as is_applied,
        received_lines as line_count,
        received_amount as amount
    from totals

    union all

    select * from removed

    union all

    select
        owner_db_id,
        4 as step_number,
        'spend by the literal rule' as step,
        'all' as detail,
        true as is_applied,
        literal_lines as line_count,
        coalesce(literal_amount, 0) as amount
    from totals

    union all

    select
        owner_db_id,
        6 as step_number,
        'spend' as step,
        'all' as detail,
        true as is_applied,
        spend_lines as line_count,
        coalesce(spend_amount, 0) as amount
    from totals

),

described as (

    select
        steps.owner_db_id,
        owners.owner_name,
        steps.step_number,
        steps.step,
        steps.detail,
        steps.is_applied,
        steps.line_count,
        cast(steps.amount as decimal(33, 4)) as amount,
        owners.company_currency
    from steps
    left join owners
        on steps.owner_db_id = owners.owner_db_id

)

select * from described
