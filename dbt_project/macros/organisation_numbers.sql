{# Letters and digits of a registration number, upper case; null where nothing is left. #}
{% macro registration_key(number) -%}
    nullif(regexp_replace(upper({{ number }}), '[^0-9A-Z]', '', 'g'), '')
{%- endmacro %}

{# Digit at a position (from 1) of a text, as an integer. #}
{% macro digit(text, position) -%}
    cast(substr({{ text }}, {{ position }}, 1) as integer)
{%- endmacro %}

{#
    Norwegian organisation number: nine digits, the last a modulus-11 check over the weights 3 2 7 6 5 4 3 2
    (Brønnøysund Register Centre).
#}
{% macro is_norwegian_organisation_number(number) -%}
    case
        when regexp_full_match({{ number }}, '\d{9}')
            then (
                {%- for weight in [3, 2, 7, 6, 5, 4, 3, 2, 1] %}
                {{ weight }} * {{ digit(number, loop.index) }}{{ " +" if not loop.last }}
                {%- endfor %}
            ) % 11 = 0
        else false
    end
{%- endmacro %}

{#
    Swedish organisation number: ten digits with a Luhn check digit, the third at least 2, which tells it from a personal
    number (Swedish Tax Agency).
#}
{% macro is_swedish_organisation_number(number) -%}
    case
        when regexp_full_match({{ number }}, '\d{2}[2-9]\d{7}')
            then (
                {%- for position in range(1, 11) %}
                {%- set value = digit(number, position) %}
                {% if position % 2 == 1 -%}
                    2 * {{ value }} // 10 + 2 * {{ value }} % 10
                {%- else -%}
                    {{ value }}
                {%- endif %}{{ " +" if not loop.last }}
                {%- endfor %}
            ) % 10 = 0
        else false
    end
{%- endmacro %}

{# British company number: eight digits, or two letters (or a letter and a digit) and six digits (Companies House). #}
{% macro is_british_company_number(number) -%}
    coalesce(regexp_full_match({{ number }}, '\d{8}|[A-Z][A-Z0-9]\d{6}'), false)
{%- endmacro %}
