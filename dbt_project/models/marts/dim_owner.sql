with owners as (

    select * from {{ ref('int_owners_with_currency') }}

)

select
    owner_db_id,
    owner_code,
    owner_name,
    owner_org_number,
    company_currency,
    is_currency_inferred
from owners
