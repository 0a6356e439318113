with candidates as (

    select * from {{ ref('int_category_candidates') }}
    {{ only_changed_vouchers('where') }}

),

categories as (

    select * from {{ ref('categories') }}

),

ranked as (

    select
        owner_db_id,
        transaction_db_id,
        header_db_id,
        split_number,
        rule_id,
        category_code,
        row_number() over (
            partition by owner_db_id, transaction_db_id, split_number
            order by priority, rule_id
        ) as candidate_number
    from candidates

),

categorised as (

    select
        ranked.owner_db_id,
        ranked.transaction_db_id,
        ranked.header_db_id,
        ranked.split_number,
        ranked.rule_id as category_rule_id,
        ranked.category_code,
        categories.level_1 as category_level_1,
        categories.level_2 as category_level_2,
        categories.level_3 as category_level_3,
        categories.level_4 as category_level_4
    from ranked
    inner join categories
        on ranked.category_code = categories.category_code
    where ranked.candidate_number = 1

)

select * from categorised
