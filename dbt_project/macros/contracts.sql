{#
    Where the engine does not hold a mart to its contract's constraints, a look at the finished table does: it fails on a null in
    a column that has none and on a key that stands twice. DuckDB and PostgreSQL hold both themselves.
#}
{% macro hold_contract() %}
    {%- if execute and target.type not in ('duckdb', 'postgres') and model.get('contract', {}).get('enforced') -%}
        {%- set nulls, keys = [], [] -%}
        {%- for column in model.columns.values() -%}
            {%- for constraint in column.constraints -%}
                {%- do (keys if constraint.type == 'primary_key' else nulls).append(column.name) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- for constraint in model.constraints if constraint.type == 'primary_key' -%}
            {%- do keys.extend(constraint.columns) -%}
        {%- endfor -%}
        {%- if nulls or keys -%}
            {%- set broken -%}
                select count(*) as row_count from (
                    select 1 as broken from {{ this }} where false {%- for column in nulls + keys %} or {{ column }} is null {%- endfor %}
                    {% if keys -%}
                    union all
                    select 1 as broken from {{ this }} group by {{ keys | join(', ') }} having count(*) > 1
                    {%- endif %}
                ) as broken_rows
            {%- endset -%}
            {%- set row_count = run_query(broken).columns[0].values()[0] -%}
            {%- if row_count -%}
                {{ exceptions.raise_compiler_error(
                    this ~ ': ' ~ row_count ~ ' rows break its contract: a null in ' ~ nulls | join(', ')
                    ~ ', or twice the same ' ~ keys | join(', ')
                ) }}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{# dbt-spark would alter the table, which only Delta allows. #}
{% macro spark__persist_constraints(relation, model) %}
{% endmacro %}
