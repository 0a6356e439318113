-- Fails when two rules of a chart claim the same account number: which of them counts would be chance. An edit of the
-- seed account_rules can break it.
select
    rules.chart_of_account_db_id,
    rules.account_from,
    others.account_from as other_account_from
from {{ ref('account_rules') }} as rules
inner join {{ ref('account_rules') }} as others
    on
        rules.chart_of_account_db_id = others.chart_of_account_db_id
        and rules.account_from < others.account_from
        and rules.account_to >= others.account_from
