with lines as (

    select * from {{ ref('int_ledger_lines_classified') }}

),

owners as (

    select * from {{ ref('int_owners_with_currency') }}

),

judged as (

    select
        owner_db_id,
        case
            when not is_spend_document_type then 'document_type'
            when is_in_excluded_range then 'account_range'
            when guard_rule is not null then 'account_guard'
            else 'kept'
        end as rule,
        case
            when not is_spend_document_type then coalesce(document_type, 'unknown')
            when is_in_excluded_range then 'all'
            else coalesce(guard_rule, 'all')
        end as detail,
        amount
    from lines

),

summed as (

    select
        owner_db_id,
        rule,
        detail,
        count(*) as line_count,
        sum(amount) as amount
    from judged
    group by owner_db_id, rule, detail

),

steps as (

    select
        owner_db_id,
        1 as step_number,
        'received' as step,
        'all' as detail,
        true as is_applied,
        sum(line_count) as line_count,
        sum(amount) as amount
    from summed
    group by owner_db_id

    union all

    select
        owner_db_id,
        case rule when 'document_type' then 2 when 'account_range' then 3 else 5 end as step_number,
        'removed by ' || rule as step,
        detail,
        rule <> 'account_guard' or {{ var('account_guard') | lower }} as is_applied,
        -line_count as line_count,
        -amount as amount
    from summed
    where rule <> 'kept'

    union all

    select
        owner_db_id,
        4 as step_number,
        'spend by the literal rule' as step,
        'all' as detail,
        true as is_applied,
        coalesce(sum(line_count) filter (where rule in ('kept', 'account_guard')), 0) as line_count,
        coalesce(sum(amount) filter (where rule in ('kept', 'account_guard')), 0) as amount
    from summed
    group by owner_db_id

    union all

    select
        owner_db_id,
        6 as step_number,
        'spend' as step,
        'all' as detail,
        true as is_applied,
        coalesce(sum(line_count) filter (where rule = 'kept' or (rule = 'account_guard' and not {{ var('account_guard') | lower }})), 0) as line_count,
        coalesce(sum(amount) filter (where rule = 'kept' or (rule = 'account_guard' and not {{ var('account_guard') | lower }})), 0) as amount
    from summed
    group by owner_db_id

),

described as (

    select
        steps.owner_db_id,
        owners.owner_name,
        steps.step_number,
        steps.step,
        steps.detail,
        steps.is_applied,
        cast(steps.line_count as bigint) as line_count,
        cast(steps.amount as decimal(38, 4)) as amount,
        owners.company_currency
    from steps
    left join owners
        on steps.owner_db_id = owners.owner_db_id

)

select * from described
