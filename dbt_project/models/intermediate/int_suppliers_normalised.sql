{{ config(materialized='table') }}

with suppliers as (

    select * from {{ ref('stg_xledger__supplier') }}

),

ranked_companies as (

    select
        *,
        row_number() over (
            partition by company_db_id
            order by owner_db_id
        ) as register_row
    from {{ ref('stg_xledger__company') }}

),

companies as (

    select * from ranked_companies
    where register_row = 1

),

ranked_addresses as (

    select
        *,
        row_number() over (
            partition by address_db_id
            order by owner_db_id
        ) as register_row
    from {{ ref('stg_xledger__address') }}

),

addresses as (

    select * from ranked_addresses
    where register_row = 1

),

countries as (

    select * from {{ ref('stg_xledger__country') }}

),

ranked_owners as (

    select
        *,
        row_number() over (
            partition by company_db_id
            order by owner_db_id
        ) as register_row
    from {{ ref('stg_xledger__owner') }}

),

owners as (

    select * from ranked_owners
    where register_row = 1

),

supplier_merges as (

    select * from {{ ref('supplier_merges') }}

),

-- A company's country is free text in Xledger: a code or a name of the country register.
country_keys as (

    select
        {{ upper_case('country_code') }} as country_key,
        min({{ upper_case('country_code') }}) as country_code
    from countries
    group by {{ upper_case('country_code') }}

    union all

    select
        {{ upper_case('country_name') }} as country_key,
        min({{ upper_case('country_code') }}) as country_code
    from countries
    where
        {{ upper_case('country_name') }} not in (select {{ upper_case('named.country_code') }} from countries as named)
    group by {{ upper_case('country_name') }}

),

joined as (

    select
        suppliers.*,
        addresses.street_address,
        addresses.zip_code,
        addresses.place,
        coalesce({{ upper_case('addresses.country_code') }}, country_keys.country_code) as supplier_country,
        nullif(trim(companies.company_number), '') as company_number,
        {{ registration_key('companies.company_number') }} as company_number_key,
        {{ registration_key('coalesce(suppliers.tax_number, companies.tax_number)') }} as vat_number
    from suppliers
    left join companies
        on suppliers.company_db_id = companies.company_db_id
    left join addresses
        on suppliers.address_db_id = addresses.address_db_id
    left join country_keys
        on {{ upper_case('companies.country') }} = country_keys.country_key

),

-- NO 923 609 016 MVA, SE556012579001: the number without the country before it and the VAT mark behind it.
cleaned as (

    select
        *,
        coalesce(
            case
                when {{ regex_matches('company_number_key', '^(NO)?[0-9]{9}(MVA)?$') }}
                    then {{ regex_replace('company_number_key', '[^0-9]', '') }}
                when {{ regex_matches('company_number_key', '^SE[0-9]{10}01$') }} then substr(company_number_key, 3, 10)
            end,
            company_number_key,
            case
                when {{ regex_matches('vat_number', '^(NO)?[0-9]{9}MVA$') }}
                    then {{ regex_replace('vat_number', '[^0-9]', '') }}
                when {{ regex_matches('vat_number', '^SE[0-9]{10}01$') }} then substr(vat_number, 3, 10)
            end
        ) as organisation_key
    from joined

),

validated as (

    select
        *,
        case
            when
                coalesce(supplier_country, 'NO') = 'NO'
                and {{ is_norwegian_organisation_number('organisation_key') }}
                then 'no'
            when
                coalesce(supplier_country, 'SE') = 'SE' and {{ is_swedish_organisation_number('organisation_key') }}
                then 'se'
            when supplier_country in ('GB', 'UK') and {{ is_british_company_number('organisation_key') }} then 'gb'
        end as org_number_register,
        case
            when {{ regex_matches('vat_number', '^[A-Z]{2}[0-9A-Z]{6,13}$') }} then vat_number
            when
                length(vat_number) >= 8 and {{ regex_matches('supplier_country', '^[A-Z]{2}$') }}
                then supplier_country || vat_number
        end as vat_key
    from cleaned

),

identified as (

    select
        *,
        case
            when org_number_register is not null then 'org-' || org_number_register || '-' || organisation_key
            when vat_key is not null then 'vat-' || lower(vat_key)
            else {{ source_supplier_id('owner_db_id', 'supplier_db_id') }}
        end as hard_supplier_id
    from validated

),

merged as (

    select
        identified.*,
        coalesce(supplier_merges.merged_into_supplier_id, identified.hard_supplier_id) as supplier_id
    from identified
    left join supplier_merges
        on identified.hard_supplier_id = supplier_merges.supplier_id

),

own_companies as (

    select distinct {{ registration_key('owner_org_number') }} as company_number_key
    from {{ ref('stg_xledger__owner') }}

),

named as (

    select
        merged.owner_db_id,
        merged.supplier_db_id,
        merged.supplier_id,
        merged.hard_supplier_id,
        first_value(merged.supplier_name) over (
            partition by merged.supplier_id
            order by
                (merged.supplier_name is null),
                (merged.hard_supplier_id <> merged.supplier_id),
                merged.modified_at desc nulls last,
                merged.owner_db_id asc,
                merged.supplier_db_id asc
        ) as supplier_name,
        merged.supplier_name as source_supplier_name,
        merged.supplier_code,
        merged.company_db_id,
        case
            when merged.org_number_register is not null then merged.organisation_key
            else merged.company_number
        end as supplier_org_number,
        merged.org_number_register is not null as has_valid_org_number,
        merged.vat_number,
        merged.supplier_country,
        merged.street_address,
        merged.zip_code,
        merged.place,
        merged.pay_terms_code,
        merged.pay_terms,
        merged.subledger_group,
        merged.bank_account_hash,
        merged.from_date,
        merged.to_date,
        merged.modified_at,
        own_companies.company_number_key is not null or owners.company_db_id is not null as is_intercompany
    from merged
    left join own_companies
        on merged.organisation_key = own_companies.company_number_key
    left join owners
        on merged.company_db_id = owners.company_db_id

)

select * from named
