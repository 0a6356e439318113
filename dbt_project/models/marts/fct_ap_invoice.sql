with items as (

    select * from {{ ref('int_ap_items_classified') }}
    where item_kind in ('invoice', 'credit_note') {{ only_changed_vouchers('and', or_where='not is_settled') }}

),

line_suppliers as (

    select * from {{ ref('int_line_suppliers') }}

),

owners as (

    select * from {{ ref('int_owners_with_currency') }}

),

currencies as (

    select * from {{ ref('stg_xledger__currency') }}

),

latest_run as (

    select * from {{ ref('int_latest_sync_run') }}

),

-- What is open stands in the invoice's own currency; in company currency it is the same share of the invoice.
measured as (

    select
        *,
        {{ open_share('amount', 'transaction_remaining', 'transaction_amount') }} as open_amount
    from items

),

invoices as (

    select
        {{ owner_and_id('measured.owner_db_id', 'measured.ap_transaction_db_id') }} as ap_invoice_id,
        measured.owner_db_id,
        owners.owner_name,
        measured.ap_transaction_db_id,
        measured.header_db_id,
        measured.voucher_number,
        measured.document_type,
        measured.posted_date,
        line_suppliers.supplier_id,
        measured.supplier_db_id,
        line_suppliers.supplier_name,
        measured.invoice_number,
        measured.item_kind = 'credit_note' as is_credit_note,
        measured.invoice_date,
        measured.due_date,
        measured.paid_date,
        -measured.amount as amount_gross,
        -measured.open_amount as open_amount,
        owners.company_currency,
        -measured.transaction_amount as transaction_amount,
        -measured.transaction_remaining as transaction_open_amount,
        currencies.currency_code as transaction_currency,
        measured.is_settled,
        {{ days_between('measured.invoice_date', 'measured.paid_date') }} as days_to_pay,
        {{ days_between('measured.invoice_date', 'measured.due_date') }} as agreed_days,
        {{ days_between(
            'measured.due_date',
            'case when measured.is_settled then measured.paid_date else cast(latest_run.landed_at as date) end'
        ) }} as days_late,
        case when not measured.is_settled then cast(latest_run.landed_at as date) end as as_of_date,
        nullif(measured.match_id, 0) as match_id,
        case
            when measured.item_kind = 'invoice' then measured.group_credit_note_numbers
            else measured.group_invoice_numbers
        end as linked_invoice_numbers,
        latest_run.run_id as _run_id,
        latest_run.landed_at as _loaded_at
    from measured
    left join owners
        on measured.owner_db_id = owners.owner_db_id
    left join line_suppliers
        on
            measured.owner_db_id = line_suppliers.line_owner_db_id
            and measured.supplier_db_id = line_suppliers.supplier_db_id
    left join currencies
        on measured.currency_db_id = currencies.currency_db_id
    left join latest_run
        on true

),

ageing_buckets as (

    select * from {{ ref('ageing_buckets') }}

),

bucketed as (

    select
        invoices.*,
        case
            when invoices.is_settled then 'settled'
            when invoices.days_late is null then 'no due date'
            else ageing_buckets.ageing_bucket
        end as ageing_bucket
    from invoices
    left join ageing_buckets
        on
            invoices.days_late >= ageing_buckets.days_late_from
            and invoices.days_late <= ageing_buckets.days_late_to

)

select * from bucketed
