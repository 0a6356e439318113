{#
    Regular expressions in the syntax that all engines share: classes in brackets, `\s` for white space, `\p{L}` only in
    letters_and_digits. A pattern is found anywhere in the text unless it is anchored.
#}

{% macro regex_matches(text, pattern) -%}
    {{ adapter.dispatch('regex_matches', 'xledger_spend')(text, pattern) }}
{%- endmacro %}

{% macro default__regex_matches(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro postgres__regex_matches(text, pattern) -%}
    {{ text }} ~ '{{ pattern }}'
{%- endmacro %}

{% macro spark__regex_matches(text, pattern) -%}
    {{ text }} rlike r'{{ pattern }}'
{%- endmacro %}

{% macro snowflake__regex_matches(text, pattern) -%}
    regexp_instr({{ text }}, '{{ pattern | replace('\\', '\\\\') }}') > 0
{%- endmacro %}

{% macro bigquery__regex_matches(text, pattern) -%}
    regexp_contains({{ text }}, r'{{ pattern }}')
{%- endmacro %}

{# Every match replaced; `\1` stands for what the first group caught. #}
{% macro regex_replace(text, pattern, replacement) -%}
    {{ adapter.dispatch('regex_replace', 'xledger_spend')(text, pattern, replacement) }}
{%- endmacro %}

{% macro default__regex_replace(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}

{% macro spark__regex_replace(text, pattern, replacement) -%}
    regexp_replace({{ text }}, r'{{ pattern }}', '{{ replacement | replace('\\', '$') }}')
{%- endmacro %}

{% macro snowflake__regex_replace(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern | replace('\\', '\\\\') }}', '{{ replacement | replace('\\', '\\\\') }}')
{%- endmacro %}

{% macro bigquery__regex_replace(text, pattern, replacement) -%}
    regexp_replace({{ text }}, r'{{ pattern }}', r'{{ replacement }}')
{%- endmacro %}
