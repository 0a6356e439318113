{# A raw column whose name is a word of SQL on some engine, quoted as the loader wrote it: Snowflake's are upper case. #}
{% macro reserved(column) -%}
    {{ adapter.quote(column | upper if target.type == 'snowflake' else column) }}
{%- endmacro %}
