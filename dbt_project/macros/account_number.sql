{# The first four digits of an account code as an integer; null where the code does not start with four digits. #}
{% macro account_number(code) -%}
    try_cast(regexp_extract({{ code }}, '^\s*(\d{4})', 1) as integer)
{%- endmacro %}
