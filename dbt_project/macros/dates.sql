{#
    Days, without a time or a zone. dbt-spark's own macros go by way of seconds, and the ones for Databricks ask the server which
    version it is before they say anything.
#}

{# The date so many days, months or years later; the last day of the month where it has no such day. #}
{% macro date_plus(date, number, part) -%}
    {{ adapter.dispatch('date_plus', 'xledger_spend')(date, number, part) }}
{%- endmacro %}

{% macro default__date_plus(date, number, part) -%}
    cast({{ dbt.dateadd(part, number, date) }} as date)
{%- endmacro %}

{% macro spark__date_plus(date, number, part) -%}
    {%- if part == 'day' -%}
        date_add({{ date }}, {{ number }})
    {%- else -%}
        add_months({{ date }}, {{ number }}{{ ' * 12' if part == 'year' }})
    {%- endif -%}
{%- endmacro %}

{# Days from one date to another, negative where the other is earlier. #}
{% macro days_between(date, other_date) -%}
    {{ adapter.dispatch('days_between', 'xledger_spend')(date, other_date) }}
{%- endmacro %}

{% macro default__days_between(date, other_date) -%}
    cast({{ dbt.datediff(date, other_date, 'day') }} as bigint)
{%- endmacro %}

{% macro duckdb__days_between(date, other_date) -%}
    date_diff('day', {{ date }}, {{ other_date }})
{%- endmacro %}

{% macro spark__days_between(date, other_date) -%}
    cast(date_diff({{ other_date }}, {{ date }}) as bigint)
{%- endmacro %}

{# The first day of the month or year that a date lies in. #}
{% macro first_day_of(part, date) -%}
    cast({{ dbt.date_trunc(part, date) }} as date)
{%- endmacro %}
