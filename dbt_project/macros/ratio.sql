{# A share or rate with six decimals; null where there is nothing to divide by. #}
{% macro ratio(part, whole) -%}
    cast(round(({{ part }}) / nullif({{ whole }}, 0), 6) as decimal(18, 6))
{%- endmacro %}
