{# A number or date as text: not every engine joins it to a text by itself. #}
{% macro as_text(value) -%}
    cast({{ value }} as {{ dbt.type_string() }})
{%- endmacro %}
