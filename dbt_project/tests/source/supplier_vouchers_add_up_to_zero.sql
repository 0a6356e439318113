-- Fails when a supplier invoice's lines do not add up to zero: a line is missing or was changed half way. The voucher
-- in Xledger has to be looked at, or the sync repeated. Only document type AP is held to it: from no other type can
-- one tell that no line was left out for payroll's sake. Nothing is claimed in a run that had to leave out unreadable
-- lines.
with lines as (

    select * from {{ ref('fct_ledger_line') }}

),

unreadable as (

    select coalesce(sum(excluded_ids), 0) as id_count
    from {{ ref('payroll_exclusions') }}
    where rule = 'unreadable' and root = 'transactions'

)

select
    owner_db_id,
    header_db_id,
    sum(amount) as amount
from lines
where
    document_type = 'AP'
    and (select unreadable.id_count from unreadable) = 0
group by owner_db_id, header_db_id
having sum(amount) <> 0
