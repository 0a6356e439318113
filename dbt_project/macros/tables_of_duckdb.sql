{#
    Tables and views in DuckDB's own files. dbt builds either beside the one that is there, changes places by renames and looks up
    what refers to it by foreign keys: a dozen statements. Here it is replaced within one transaction; no table has such a key.
#}
{% materialization table, adapter='duckdb' %}
    {%- if target.name not in ('duckdb', 'ducklake') -%}
        {{ return(dbt.materialization_table_duckdb()) }}
    {%- endif -%}
    {{ return(replaced_at_once(this.incorporate(type='table'))) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {%- if target.name not in ('duckdb', 'ducklake') -%}
        {{ return(dbt.materialization_view_default()) }}
    {%- endif -%}
    {{ return(replaced_at_once(this.incorporate(type='view'))) }}
{% endmaterialization %}

{% macro replaced_at_once(built) %}
    {%- set existing = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') -%}
        {% if existing is not none -%} drop {{ existing.type }} {{ existing }}; {%- endif %}
        {{ create_view_as(built, compiled_code) if built.is_view else create_table_as(false, built, compiled_code) }}
    {%- endcall %}
    {% do persist_docs(built, model) %}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({'relations': [built]}) }}
{% endmacro %}

{#
    The vouchers that changed go into the table that is there. dbt-duckdb makes a table of them first, to compare its columns with those
    of the one they go into; models and tools are those of the last build, so the columns are.
#}
{% materialization incremental, adapter='duckdb' %}
    {%- if not builds_changes_of_this() -%}
        {{ return(dbt.materialization_incremental_duckdb()) }}
    {%- endif -%}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') -%}
        insert into {{ this }} by name ({{ compiled_code }})
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({'relations': [this]}) }}
{% endmaterialization %}

{# All comments at once; a contract has seen to it that the columns are there. #}
{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) %}
    {%- set comments -%}
        {%- if for_relation and config.persist_relation_docs() and model.description -%}
            {{ duckdb__alter_relation_comment(relation, model.description) }}
        {%- endif -%}
        {%- if for_columns and config.persist_column_docs() -%}
            {%- for column in model.columns.values() %}
                comment on column {{ relation }}.{{ column.name }} is {{ duckdb_escape_comment(column.description) }};
            {%- endfor -%}
        {%- endif -%}
    {%- endset -%}
    {%- if comments | trim -%}
        {% do run_query(comments) %}
    {%- endif -%}
{% endmacro %}

{# Models, tools and the types of raw tables are those of the last build, which held its columns to the contract. #}
{% macro duckdb__get_assert_columns_equivalent(sql) -%}
    {{ '' if builds_what_changed() else dbt.default__get_assert_columns_equivalent(sql) }}
{%- endmacro %}
