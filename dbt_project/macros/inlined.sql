{# Keeps an engine that would store a CTE which is read twice from doing so: its rows are better read again than held. #}
{% macro inlined() -%}
    {{ 'not materialized ' if target.type in ('duckdb', 'postgres') }}
{%- endmacro %}
