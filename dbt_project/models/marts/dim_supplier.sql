with suppliers as (

    select * from {{ ref('int_suppliers_normalised') }}

),

spend as (

    select * from {{ ref('fct_spend') }}

),

-- The record that lends its details to the supplier: the one whose name it carries.
ranked_records as (

    select
        *,
        row_number() over (
            partition by supplier_id
            order by
                (source_supplier_name is distinct from supplier_name),
                (hard_supplier_id <> supplier_id),
                modified_at desc nulls last,
                owner_db_id asc,
                supplier_db_id asc
        ) as record_number
    from suppliers

),

leading_records as (

    select * from ranked_records
    where record_number = 1

),

source_records as (

    select
        supplier_id,
        {{ distinct_texts('supplier_code') }} as supplier_codes,
        {{ ordered_texts(owner_and_id('owner_db_id', 'supplier_db_id'), ['owner_db_id', 'supplier_db_id']) }}
            as source_supplier_ids,
        count(*) as source_supplier_count,
        {{ dbt.bool_or('is_intercompany') }} as is_intercompany
    from suppliers
    group by supplier_id

),

supplier_spend as (

    select
        supplier_id,
        min(spend_date) as first_spend_date,
        max(spend_date) as last_spend_date,
        case when count(distinct company_currency) = 1 then sum(amount_net) end as spend_amount,
        case when count(distinct company_currency) = 1 then min(company_currency) end as spend_currency,
        count(
            distinct case when invoice_number is not null then {{ as_text('owner_db_id') }} || '-' || invoice_number end
        ) as invoice_count
    from spend
    where supplier_id is not null
    group by supplier_id

),

all_suppliers as (

    select supplier_id from leading_records
    union distinct
    select supplier_id from supplier_spend

),

described as (

    select
        all_suppliers.supplier_id,
        case
            when all_suppliers.supplier_id = 'employee-expenses' then 'Employee expenses'
            else leading_records.supplier_name
        end as supplier_name,
        source_records.supplier_codes,
        leading_records.supplier_org_number,
        coalesce(leading_records.has_valid_org_number, false) as has_valid_org_number,
        leading_records.vat_number,
        leading_records.street_address,
        leading_records.zip_code,
        leading_records.place,
        leading_records.supplier_country,
        leading_records.pay_terms_code,
        leading_records.pay_terms,
        leading_records.subledger_group,
        coalesce(source_records.is_intercompany, false) as is_intercompany,
        supplier_spend.first_spend_date,
        supplier_spend.last_spend_date,
        cast(supplier_spend.spend_amount as decimal(33, 4)) as spend_amount,
        supplier_spend.spend_currency,
        coalesce(supplier_spend.invoice_count, 0) as invoice_count,
        source_records.source_supplier_ids,
        coalesce(source_records.source_supplier_count, 0) as source_supplier_count
    from all_suppliers
    left join leading_records
        on all_suppliers.supplier_id = leading_records.supplier_id
    left join source_records
        on all_suppliers.supplier_id = source_records.supplier_id
    left join supplier_spend
        on all_suppliers.supplier_id = supplier_spend.supplier_id

)

select * from described
