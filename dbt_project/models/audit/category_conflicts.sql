with candidates as (

    select * from {{ ref('int_category_candidates') }}

),

-- Two rules of one priority that give a line different categories: the rule's id decides, which is no reason.
pairs as (

    select
        candidates.rule_id,
        matching.rule_id as other_rule_id,
        candidates.priority,
        candidates.category_code,
        matching.category_code as other_category_code,
        count(*) as line_count
    from candidates
    inner join candidates as matching
        on
            candidates.owner_db_id = matching.owner_db_id
            and candidates.transaction_db_id = matching.transaction_db_id
            and candidates.split_number is not distinct from matching.split_number
            and candidates.priority = matching.priority
            and candidates.rule_id < matching.rule_id
    where candidates.category_code <> matching.category_code
    group by
        candidates.rule_id, matching.rule_id, candidates.priority, candidates.category_code, matching.category_code

)

select * from pairs
