{{ config(materialized='table') }}

with items as (

    select * from {{ ref('stg_xledger__ap_transaction') }}

),

headers as (

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
classified as (

    select
        items.*,
        headers.voucher_number,
        headers.posted_date,
        coalesce(document_types.document_role, 'other') as document_role,
        coalesce(
            item_types.item_kind,
            case
                when document_types.document_role = 'bank' then 'payment'
                when items.amount > 0 then 'credit_note'
                else 'invoice'
            end
        ) as item_kind,
        coalesce(items.invoice_number, items.external_identifier, 'item ' || items.ap_transaction_db_id) as invoice_key
    from items
    left join headers
        on
            items.owner_db_id = headers.owner_db_id
            and items.header_db_id = headers.header_db_id
    left join document_types
        on items.document_type = document_types.document_type
    left join item_types
        on upper(items.item_type) = item_types.item_type

),

match_groups as (

    select
        owner_db_id,
        match_id,
        max(case when item_kind = 'payment' then posted_date end) as last_payment_date,
        sum(case when item_kind = 'credit_note' then amount else 0 end) as credited_amount,
        string_agg(
            distinct case when item_kind = 'invoice' then invoice_number end, ', '
            order by case when item_kind = 'invoice' then invoice_number end
        ) as invoice_numbers,
        string_agg(
            distinct case when item_kind = 'credit_note' then invoice_number end, ', '
            order by case when item_kind = 'credit_note' then invoice_number end
        ) as credit_note_numbers
    from classified
    where match_id <> 0
    group by owner_db_id, match_id

),

matched as (

    select
        classified.*,
        coalesce(classified.transaction_remaining, 0) = 0 as is_settled,
        case
            when coalesce(classified.transaction_remaining, 0) = 0
                then coalesce(classified.last_payment_date, match_groups.last_payment_date)
        end as paid_date,
        match_groups.credited_amount as group_credited_amount,
        match_groups.invoice_numbers as group_invoice_numbers,
        match_groups.credit_note_numbers as group_credit_note_numbers
    from classified
    left join match_groups
        on
            classified.owner_db_id = match_groups.owner_db_id
            and classified.match_id = match_groups.match_id

)

select * from matched
