{#
    Letters of every alphabet. PostgreSQL knows only those of the collation it is told to use, and a text keeps that collation,
    so the default one is put back: sorting stays by bytes.
#}

{# The text's letters and decimal digits alone. #}
{% macro letters_and_digits(text) -%}
    {{ adapter.dispatch('letters_and_digits', 'xledger_spend')(text) }}
{%- endmacro %}

{% macro default__letters_and_digits(text) -%}
    {{ regex_replace(text, '[^\\p{L}\\p{Nd}]', '') }}
{%- endmacro %}

{% macro postgres__letters_and_digits(text) -%}
    (regexp_replace({{ text }} collate "und-x-icu", '[^[:alnum:]]', '', 'g') collate "default")
{%- endmacro %}

{% macro snowflake__letters_and_digits(text) -%}
    {{ regex_replace(text, '[^[:alnum:]]', '') }}
{%- endmacro %}

{% macro upper_case(text) -%}
    {{ adapter.dispatch('upper_case', 'xledger_spend')(text) }}
{%- endmacro %}

{% macro default__upper_case(text) -%}
    upper({{ text }})
{%- endmacro %}

{% macro postgres__upper_case(text) -%}
    (upper({{ text }} collate "und-x-icu") collate "default")
{%- endmacro %}

{% macro lower_case(text) -%}
    {{ adapter.dispatch('lower_case', 'xledger_spend')(text) }}
{%- endmacro %}

{% macro default__lower_case(text) -%}
    lower({{ text }})
{%- endmacro %}

{% macro postgres__lower_case(text) -%}
    (lower({{ text }} collate "und-x-icu") collate "default")
{%- endmacro %}
