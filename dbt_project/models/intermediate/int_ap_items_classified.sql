with items as {{ inlined() }}(

    select * from {{ ref('stg_xledger__ap_transaction') }}

),

headers as {{ inlined() }}(

    select * from {{ ref('stg_xledger__transaction_header') }}

),

document_types as (

    select * from {{ ref('document_types') }}

),

item_types as (

    select * from {{ ref('item_types') }}

),

-- The item's own type decides. Its name is translated in Xledger, so where it is not known the voucher's type and the
-- sign do: what a bank voucher holds is a payment, a positive item elsewhere a credit note.
classified as {{ inlined() }}(

    select
        items.*,
        coalesce(document_types.document_role, 'other') as document_role,
        coalesce(
            item_types.item_kind,
            case
                when document_types.document_role = 'bank' then 'payment'
                when items.amount > 0 then 'credit_note'
                else 'invoice'
            end
        ) as item_kind,
        coalesce(
            items.invoice_number, items.external_identifier, 'item ' || {{ as_text('items.ap_transaction_db_id') }}
        ) as invoice_key,
        coalesce(items.transaction_remaining, 0) = 0 as is_settled
    from items
    left join document_types
        on items.document_type = document_types.document_type
    left join item_types
        on {{ upper_case('items.item_type') }} = item_types.item_type

),

-- Of a match group all items count, whatever voucher they stand in.
grouped as {{ inlined() }}(

    select * from classified
    where match_id <> 0 {{ only_changed_match_groups('and', 'items') }}

),

last_payments as (

    select
        grouped.owner_db_id,
        grouped.match_id,
        max(headers.posted_date) as last_payment_date
    from grouped
    inner join headers
        on
            grouped.owner_db_id = headers.owner_db_id
            and grouped.header_db_id = headers.header_db_id
    where grouped.item_kind = 'payment'
    group by grouped.owner_db_id, grouped.match_id

),

credited_groups as (

    select distinct
        owner_db_id,
        match_id
    from grouped
    where item_kind = 'credit_note'

),

-- Numbers are gathered of the few groups that link an invoice and a credit note: text that is gathered cannot spill.
linked_numbers as (

    select
        grouped.owner_db_id,
        grouped.match_id,
        {{ distinct_texts("case when grouped.item_kind = 'invoice' then grouped.invoice_number end") }}
            as invoice_numbers,
        {{ distinct_texts("case when grouped.item_kind = 'credit_note' then grouped.invoice_number end") }}
            as credit_note_numbers
    from grouped
    inner join credited_groups
        on
            grouped.owner_db_id = credited_groups.owner_db_id
            and grouped.match_id = credited_groups.match_id
    group by grouped.owner_db_id, grouped.match_id

),

matched as (

    select
        classified.*,
        headers.voucher_number,
        headers.posted_date,
        case
            when classified.is_settled
                then coalesce(classified.last_payment_date, last_payments.last_payment_date)
        end as paid_date,
        linked_numbers.invoice_numbers as group_invoice_numbers,
        linked_numbers.credit_note_numbers as group_credit_note_numbers
    from classified
    left join headers
        on
            classified.owner_db_id = headers.owner_db_id
            and classified.header_db_id = headers.header_db_id
    left join last_payments
        on
            classified.owner_db_id = last_payments.owner_db_id
            and classified.match_id = last_payments.match_id
    left join linked_numbers
        on
            classified.owner_db_id = linked_numbers.owner_db_id
            and classified.match_id = linked_numbers.match_id
    {{ only_changed_vouchers('where', 'classified') }}

)

select * from matched
