with invoices as (

    select * from {{ ref('fct_ap_invoice') }}

),

owners as (

    select * from {{ ref('dim_owner') }}

),

suppliers as (

    select * from {{ ref('dim_supplier') }}

),

paid as (

    select
        *,
        cast(extract(year from invoice_date) as integer) as year_number
    from invoices
    where
        paid_date is not null
        and invoice_date is not null
        and due_date is not null
        and supplier_id is not null
        and amount_gross > 0
        and not is_credit_note

),

measured as (

    select
        owner_db_id,
        year_number,
        supplier_id,
        count(*) as paid_invoice_count,
        sum(amount_gross) as paid_amount,
        count(case when days_late <= 0 then 1 end) as on_time_count,
        sum(amount_gross * agreed_days) as weighted_agreed_days,
        sum(amount_gross * days_to_pay) as weighted_days_to_pay
    from paid
    group by owner_db_id, year_number, supplier_id

)

select
    measured.owner_db_id,
    owners.owner_name,
    measured.year_number,
    measured.supplier_id,
    suppliers.supplier_name,
    measured.paid_invoice_count,
    cast(measured.paid_amount as decimal(33, 4)) as paid_amount,
    owners.company_currency,
    {{ ratio('measured.on_time_count', 'measured.paid_invoice_count') }} as on_time_share,
    {{ ratio('measured.weighted_agreed_days', 'measured.paid_amount') }} as weighted_agreed_days,
    {{ ratio('measured.weighted_days_to_pay', 'measured.paid_amount') }} as weighted_days_to_pay
from measured
left join owners
    on measured.owner_db_id = owners.owner_db_id
left join suppliers
    on measured.supplier_id = suppliers.supplier_id
