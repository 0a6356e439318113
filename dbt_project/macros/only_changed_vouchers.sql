{#
    While only what changed is built: the rows of the vouchers that are built anew; otherwise all rows. The word before it,
    `where` or `and`, is left out with it. Goes with `materialized='incremental'` and the hook below.
#}
{% macro only_changed_vouchers(word, rows=none) -%}
    {%- if target.name in ('duckdb', 'lint') and (not execute or is_incremental()) -%}
    {{ word }} ({{ rows ~ '.' if rows }}owner_db_id, {{ rows ~ '.' if rows }}header_db_id) in (
        select
            owner_db_id,
            header_db_id
        from {{ ref('int_vouchers_to_build') }}
    )
    {%- endif -%}
{%- endmacro %}

{# Before they are built anew, the rows of these vouchers leave the table: of one that is gone, none come. #}
{% macro without_changed_vouchers() -%}
    {%- if is_incremental() -%}
    delete from {{ this }} where {{ only_changed_vouchers('') }}
    {%- endif -%}
{%- endmacro %}

{# Rows of a register that are not as the last build knew them, old and new. #}
{% macro rows_that_differ(now, before, columns) -%}
    {%- set listed = columns | join(', ') -%}
    (select {{ listed }} from {{ now }} except select {{ listed }} from {{ before }})
    union all
    (select {{ listed }} from {{ before }} except select {{ listed }} from {{ now }})
{%- endmacro %}
