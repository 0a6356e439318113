{%- set findings = [
    'possible_duplicate_invoice',
    'supplier_without_org_number',
    'unattributed_spend',
    'document_type_not_chosen',
    'personnel_account_on_invoice',
    'date_out_of_range',
    'unmapped_account',
    'uncategorised_spend',
    'missing_exchange_rate',
    'bank_account_changed',
    'voucher_not_balanced',
] %}

with owners as (

    select * from {{ ref('int_owners_with_currency') }}

),

findings as (

    {% for finding in findings %}
        select * from {{ ref('finding__' ~ finding) }}
        {{ "union all" if not loop.last }}
    {% endfor %}

)

select
    findings.finding,
    findings.severity,
    findings.owner_db_id,
    owners.owner_name,
    findings.subject,
    cast(findings.amount as decimal(33, 4)) as amount,
    owners.company_currency,
    cast(findings.item_count as bigint) as item_count,
    findings.ids
from findings
left join owners
    on findings.owner_db_id = owners.owner_db_id
