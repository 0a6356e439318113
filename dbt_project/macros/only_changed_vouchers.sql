{#
    A sync that read only what changed also builds only the vouchers that did: it says so by the table last_build.under_way,
    which is there while it builds. Whoever calls dbt by hand builds everything.
#}
{% macro builds_what_changed() -%}
    {%- if target.name not in ('duckdb', 'lint') -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set under_way = source('last_build', 'under_way') -%}
    {{ return(execute and not flags.FULL_REFRESH and load_relation(under_way) is not none) }}
{%- endmacro %}

{# The same for a table that is there already. A unit test has none, so it sees all rows. #}
{% macro builds_changes_of_this() -%}
    {{ return(builds_what_changed() and is_incremental() if this else false) }}
{%- endmacro %}

{#
    The rows of the vouchers that are built anew, where not everything is; the word before it, `where` or `and`, comes with it.
    Goes with `materialized='incremental'` and the hook below. ``or_where``: rows that are built anew by each sync all the same.
#}
{% macro only_changed_vouchers(word, rows=none, or_where=none) -%}
    {%- set prefix = rows ~ '.' if rows else '' -%}
    {%- set to_build = ref('int_vouchers_to_build') if target.name in ('duckdb', 'lint') and not execute -%}
    {%- if builds_changes_of_this() -%}
    {{ word }} ({{ or_where ~ ' or ' if or_where }}({{ prefix }}owner_db_id, {{ prefix }}header_db_id) in (
        select
            owner_db_id,
            header_db_id
        from {{ ref('int_vouchers_to_build') }}
    ))
    {%- endif -%}
{%- endmacro %}

{# All rows of the match groups in which these ``items`` of a voucher that is built anew stand, whatever voucher the others are of. #}
{% macro only_changed_match_groups(word, items) -%}
    {%- if builds_changes_of_this() -%}
    {{ word }} (owner_db_id, match_id) in (
        select
            owner_db_id,
            match_id
        from {{ items }}
        {{ only_changed_vouchers('where') }}
    )
    {%- endif -%}
{%- endmacro %}

{# Before rows are built anew they leave the table: of a voucher that is gone, none come. #}
{% macro without_changed_vouchers(or_where=none) -%}
    {%- if is_incremental() -%}
    delete from {{ this }} {{ only_changed_vouchers('where', or_where=or_where) }}
    {%- endif -%}
{%- endmacro %}

{# Rows of a register that are not as the last build knew them, old and new. #}
{% macro rows_that_differ(now, before, columns) -%}
    {%- set listed = columns | join(', ') -%}
    (select {{ listed }} from {{ now }} except select {{ listed }} from {{ before }})
    union all
    (select {{ listed }} from {{ before }} except select {{ listed }} from {{ now }})
{%- endmacro %}
