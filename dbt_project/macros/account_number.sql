{# The first four digits of an account code as an integer; null where the code does not start with four digits. #}
{% macro account_number(code) -%}
    case
        when {{ regex_matches(code, '^\\s*[0-9]{4}') }}
            then cast(substr({{ regex_replace(code, '^\\s+', '') }}, 1, 4) as integer)
    end
{%- endmacro %}
