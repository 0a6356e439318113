{#
    Exact arithmetic on whole numbers of up to 38 digits, the same on each engine: a division of decimals is rounded by some
    and floating on others.
#}

{# A value with at most so many decimals as the whole number of its last unit: 1.2345 is 12345. #}
{% macro whole_number(value, decimals=4) -%}
    cast(({{ value }}) * {{ 10 ** decimals }} as {{ whole_number_type() }})
{%- endmacro %}

{% macro whole_number_type() -%}
    {{ adapter.dispatch('whole_number_type', 'xledger_spend')() }}
{%- endmacro %}

{% macro default__whole_number_type() -%}
    decimal(38, 0)
{%- endmacro %}

{% macro duckdb__whole_number_type() -%}
    hugeint
{%- endmacro %}

{% macro bigquery__whole_number_type() -%}
    bignumeric
{%- endmacro %}

{# How often the divisor goes into the number, without what is left over (that is `mod`). Its sign is that of a division. #}
{% macro whole_quotient(number, divisor) -%}
    {{ adapter.dispatch('whole_quotient', 'xledger_spend')(number, divisor) }}
{%- endmacro %}

{% macro default__whole_quotient(number, divisor) -%}
    cast((({{ number }}) - mod({{ number }}, {{ divisor }})) / ({{ divisor }}) as decimal(38, 0))
{%- endmacro %}

{% macro duckdb__whole_quotient(number, divisor) -%}
    ({{ number }}) // ({{ divisor }})
{%- endmacro %}

{% macro postgres__whole_quotient(number, divisor) -%}
    div({{ number }}, {{ divisor }})
{%- endmacro %}

{% macro bigquery__whole_quotient(number, divisor) -%}
    div({{ number }}, {{ divisor }})
{%- endmacro %}
