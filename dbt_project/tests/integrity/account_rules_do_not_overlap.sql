-- Fails when two rules of a chart claim the same account number: which of them counts would be chance. An edit of the
-- seed account_rules can break it.
select
    lower_rules.chart_of_account_db_id,
    lower_rules.account_from,
    higher_rules.account_from as other_account_from
from {{ ref('account_rules') }} as lower_rules
inner join {{ ref('account_rules') }} as higher_rules
    on
        lower_rules.chart_of_account_db_id = higher_rules.chart_of_account_db_id
        and lower_rules.account_from < higher_rules.account_from
        and lower_rules.account_to >= higher_rules.account_from
