{# The date that spend is counted on, by the var spend_date_rule. #}
{% macro spend_date(invoice_date, posted_date) -%}
    {%- if var('spend_date_rule') == 'invoice_date' -%}
        coalesce({{ invoice_date }}, {{ posted_date }})
    {%- elif var('spend_date_rule') == 'posted_date' -%}
        {{ posted_date }}
    {%- else -%}
        {{ exceptions.raise_compiler_error("spend_date_rule is invoice_date or posted_date, not " ~ var('spend_date_rule')) }}
    {%- endif -%}
{%- endmacro %}
