with history as (

    select * from {{ ref('supplier_history') }}

),

payments as (

    select
        owner_db_id,
        supplier_db_id,
        posted_date,
        amount,
        ap_transaction_db_id
    from {{ ref('int_ap_items_classified') }}
    where item_kind = 'payment'

)

-- Money that left within thirty days of a new bank account: the pattern of invoice fraud.
select
    'bank_account_changed' as finding,
    case when count(payments.ap_transaction_db_id) > 0 then 'high' else 'low' end as severity,
    history.owner_db_id,
    {{ as_text('history.supplier_db_id') }} || ' ' || {{ as_text('cast(history.valid_from as date)') }} as subject,
    coalesce(sum(payments.amount), 0) as amount,
    count(payments.ap_transaction_db_id) as item_count,
    coalesce({{ first_ids(owner_and_id('payments.owner_db_id', 'payments.ap_transaction_db_id')) }}, '') as ids
from history
left join payments
    on
        history.supplier_db_id = payments.supplier_db_id
        and payments.posted_date >= {{ date_plus('cast(history.valid_from as date)', -3, 'day') }}
        and payments.posted_date <= {{ date_plus('cast(history.valid_from as date)', 30, 'day') }}
where history.is_bank_account_changed
group by history.owner_db_id, history.supplier_db_id, history.valid_from
