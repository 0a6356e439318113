with spend as (

    select * from {{ ref('fct_spend') }}

),

supplier_years as (

    select * from {{ ref('kpi_supplier_year') }}

),

payments as (

    select * from {{ ref('kpi_payment_year') }}

),

owners as (

    select * from {{ ref('dim_owner') }}

),

spend_years as (

    select
        owner_db_id,
        cast(extract(year from spend_date) as integer) as year_number,
        sum(amount_net) as spend_amount,
        coalesce(sum(case when not is_intercompany then amount_net end), 0) as external_amount,
        coalesce(sum(case when is_intercompany then amount_net end), 0) as intercompany_amount,
        coalesce(sum(case when is_capex then amount_net end), 0) as capex_amount,
        coalesce(sum(case when supplier_id is null then amount_net end), 0) as unattributed_amount,
        coalesce(sum(case when supplier_id = 'employee-expenses' then amount_net end), 0) as employee_amount,
        coalesce(sum(case when category_rule_id is null then amount_net end), 0) as uncategorised_amount
    from spend
    where spend_date is not null
    group by owner_db_id, extract(year from spend_date)

),

supplier_counts as (

    select
        owner_db_id,
        year_number,
        count(case when not is_lost then 1 end) as supplier_count,
        count(case when is_new then 1 end) as new_supplier_count,
        count(case when is_lost then 1 end) as lost_supplier_count,
        count(case when is_tail and not is_lost then 1 end) as tail_supplier_count,
        coalesce(sum(case when is_tail then spend_amount end), 0) as tail_amount,
        sum(spend_amount) as attributed_amount
    from supplier_years
    group by owner_db_id, year_number

),

payment_years as (

    select
        owner_db_id,
        year_number,
        sum(on_time_share * paid_invoice_count) as on_time_count,
        sum(paid_invoice_count) as paid_invoice_count,
        sum(weighted_agreed_days * cast(paid_amount as decimal(19, 4))) as agreed_days,
        sum(weighted_days_to_pay * cast(paid_amount as decimal(19, 4))) as days_to_pay,
        sum(paid_amount) as paid_amount
    from payments
    group by owner_db_id, year_number

)

select
    spend_years.owner_db_id,
    owners.owner_name,
    spend_years.year_number,
    cast(spend_years.spend_amount as decimal(33, 4)) as spend_amount,
    cast(coalesce(previous.spend_amount, 0) as decimal(33, 4)) as previous_year_amount,
    cast(spend_years.external_amount as decimal(33, 4)) as external_amount,
    owners.company_currency,
    coalesce(supplier_counts.supplier_count, 0) as supplier_count,
    coalesce(supplier_counts.new_supplier_count, 0) as new_supplier_count,
    coalesce(supplier_counts.lost_supplier_count, 0) as lost_supplier_count,
    coalesce(supplier_counts.tail_supplier_count, 0) as tail_supplier_count,
    {{ ratio('supplier_counts.tail_amount', 'supplier_counts.attributed_amount') }} as tail_share,
    {{ ratio('spend_years.intercompany_amount', 'spend_years.spend_amount') }} as intercompany_share,
    {{ ratio('spend_years.capex_amount', 'spend_years.spend_amount') }} as capex_share,
    {{ ratio('spend_years.unattributed_amount', 'spend_years.spend_amount') }} as unattributed_share,
    {{ ratio('spend_years.employee_amount', 'spend_years.spend_amount') }} as employee_expense_share,
    {{ ratio('spend_years.uncategorised_amount', 'spend_years.spend_amount') }} as uncategorised_share,
    {{ ratio('payment_years.on_time_count', 'payment_years.paid_invoice_count', decimals=10) }} as on_time_share,
    {{ ratio('payment_years.agreed_days', 'payment_years.paid_amount', decimals=10) }} as weighted_agreed_days,
    {{ ratio('payment_years.days_to_pay', 'payment_years.paid_amount', decimals=10) }} as weighted_days_to_pay
from spend_years
left join spend_years as previous
    on
        spend_years.owner_db_id = previous.owner_db_id
        and spend_years.year_number = previous.year_number + 1
left join supplier_counts
    on
        spend_years.owner_db_id = supplier_counts.owner_db_id
        and spend_years.year_number = supplier_counts.year_number
left join payment_years
    on
        spend_years.owner_db_id = payment_years.owner_db_id
        and spend_years.year_number = payment_years.year_number
left join owners
    on spend_years.owner_db_id = owners.owner_db_id
