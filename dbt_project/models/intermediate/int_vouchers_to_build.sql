{{ config(materialized='table') }}

{#- What lines take over from registers. -#}
{%- set registers = {
    'account': [ref('int_accounts_classified'), source('last_build', 'account'), ['*']],
    'currency': [ref('stg_xledger__currency'), source('last_build', 'currency'), ['*']],
    'dimension_value': [
        ref('int_dimension_values'),
        source('last_build', 'dimension_value'),
        ['owner_db_id', 'dimension_value_db_id', 'dimension_value_code', 'dimension_value_name'],
    ],
    'document_type': ['document_types', source('last_build', 'document_type'), ['*']],
    'owner': [ref('int_owners_with_currency'), source('last_build', 'owner'), ['*']],
    'supplier': [
        ref('int_suppliers_normalised'),
        source('last_build', 'supplier'),
        [
            'owner_db_id', 'supplier_db_id', 'company_db_id', 'supplier_id', 'supplier_name', 'supplier_org_number',
            'supplier_country', 'is_intercompany',
        ],
    ],
} %}

{% if execute and not builds_what_changed() %}

    -- Everything is built.
    select
        cast(null as bigint) as owner_db_id,
        cast(null as bigint) as header_db_id
    limit 0

{% else %}

with changed_vouchers as (

    select * from {{ source('last_build', 'changed_voucher') }}

),

lines as (

    select * from {{ ref('stg_xledger__transaction') }}

),

items as (

    select * from {{ ref('stg_xledger__ap_transaction') }}

),

headers as (

    select * from {{ ref('stg_xledger__transaction_header') }}

),

document_types as (

    select
        document_type,
        min(document_type_name) as document_type_name
    from headers
    group by document_type

),

{% for name, (now, before, columns) in registers.items() -%}
changed_{{ name }} as (

    {{ rows_that_differ(now, before, columns) }}

),

{% endfor -%}

-- The vouchers that take something over from a register row that changed.
vouchers as (

    select
        owner_db_id,
        header_db_id
    from changed_vouchers

    union

    select
        headers.owner_db_id,
        headers.header_db_id
    from headers
    inner join changed_document_type
        on headers.document_type = changed_document_type.document_type

    union

    select
        headers.owner_db_id,
        headers.header_db_id
    from headers
    inner join changed_owner
        on headers.owner_db_id = changed_owner.owner_db_id

    union

    select
        lines.owner_db_id,
        lines.header_db_id
    from lines
    inner join changed_account
        on lines.account_db_id = changed_account.account_db_id

    union

    select
        lines.owner_db_id,
        lines.header_db_id
    from lines
    inner join changed_currency
        on lines.currency_db_id = changed_currency.currency_db_id

    union

    select
        items.owner_db_id,
        items.header_db_id
    from items
    inner join changed_owner
        on items.owner_db_id = changed_owner.owner_db_id

    union

    select
        items.owner_db_id,
        items.header_db_id
    from items
    inner join changed_currency
        on items.currency_db_id = changed_currency.currency_db_id

    {% for number in range(1, 6) %}
        union

        select
            lines.owner_db_id,
            lines.header_db_id
        from lines
        inner join changed_dimension_value
            on lines.dimension_{{ number }}_db_id = changed_dimension_value.dimension_value_db_id
    {% endfor %}

    union

    select
        lines.owner_db_id,
        lines.header_db_id
    from lines
    inner join changed_supplier
        on lines.company_db_id = changed_supplier.company_db_id

    union

    select
        items.owner_db_id,
        items.header_db_id
    from items
    inner join changed_supplier
        on items.supplier_db_id = changed_supplier.supplier_db_id

)

select * from vouchers

{% endif %}
