with invoices as (

    select * from {{ ref('fct_ap_invoice') }}

),

-- AB-0012/3 and AB 123 are one number to whoever types it twice.
keyed as (

    select
        owner_db_id,
        supplier_id,
        {{ regex_replace(upper_case(letters_and_digits('invoice_number')), '^0+|([^0-9])0+', '\\1') }} as number_key,
        abs(amount_gross) as gross,
        is_credit_note,
        invoice_date,
        ap_invoice_id
    from invoices
    where
        invoice_number is not null
        and supplier_id is not null

),

-- Credit notes carry numbers of their own: one of the same amount takes one of the invoices back.
credits as (

    select
        owner_db_id,
        supplier_id,
        gross,
        count(*) as credit_count
    from keyed
    where is_credit_note
    group by owner_db_id, supplier_id, gross

),

repeated as (

    select
        owner_db_id,
        supplier_id,
        number_key,
        gross,
        count(*) as invoice_count
    from keyed
    where not is_credit_note
    group by owner_db_id, supplier_id, number_key, gross
    having
        count(*) > 1
        and {{ days_between('min(invoice_date)', 'max(invoice_date)') }} <= 90

),

-- Ids are gathered of what repeats alone: most numbers stand once.
repeated_ids as (

    select
        keyed.owner_db_id,
        keyed.supplier_id,
        keyed.number_key,
        keyed.gross,
        {{ first_ids('keyed.ap_invoice_id') }} as ids
    from keyed
    inner join repeated
        on
            keyed.owner_db_id = repeated.owner_db_id
            and keyed.supplier_id = repeated.supplier_id
            and keyed.number_key = repeated.number_key
            and keyed.gross = repeated.gross
    where not keyed.is_credit_note
    group by keyed.owner_db_id, keyed.supplier_id, keyed.number_key, keyed.gross

)

select
    'possible_duplicate_invoice' as finding,
    'high' as severity,
    repeated.owner_db_id,
    repeated.supplier_id || ' ' || repeated.number_key || ' ' || {{ as_text('repeated.gross') }} as subject,
    repeated.gross * (repeated.invoice_count - 1) as amount,
    repeated.invoice_count as item_count,
    repeated_ids.ids
from repeated
inner join repeated_ids
    on
        repeated.owner_db_id = repeated_ids.owner_db_id
        and repeated.supplier_id = repeated_ids.supplier_id
        and repeated.number_key = repeated_ids.number_key
        and repeated.gross = repeated_ids.gross
left join credits
    on
        repeated.owner_db_id = credits.owner_db_id
        and repeated.supplier_id = credits.supplier_id
        and repeated.gross = credits.gross
where repeated.invoice_count - coalesce(credits.credit_count, 0) > 1
