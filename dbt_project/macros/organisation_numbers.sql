{# Letters and digits of a registration number, upper case; null where nothing is left. #}
{% macro registration_key(number) -%}
    nullif(upper({{ regex_replace(number, '[^0-9A-Za-z]', '') }}), '')
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
        when {{ regex_matches(number, '^[0-9]{9}$') }}
            then mod(
                {%- for weight in [3, 2, 7, 6, 5, 4, 3, 2, 1] %}
                {{ weight }} * {{ digit(number, loop.index) }}{{ " +" if not loop.last }}
                {%- endfor %}, 11
            ) = 0
        else false
    end
{%- endmacro %}

{#
    Swedish organisation number: ten digits with a Luhn check digit, the third at least 2, which tells it from a personal
    number (Swedish Tax Agency). Of a doubled digit the digits are added: one above four gives nine less.
#}
{% macro is_swedish_organisation_number(number) -%}
    case
        when {{ regex_matches(number, '^[0-9]{2}[2-9][0-9]{7}$') }}
            then mod(
                {%- for position in range(1, 11) %}
                {%- set value = digit(number, position) %}
                {% if position % 2 == 1 -%}
                    2 * {{ value }} - case when {{ value }} > 4 then 9 else 0 end
                {%- else -%}
                    {{ value }}
                {%- endif %}{{ " +" if not loop.last }}
                {%- endfor %}, 10
            ) = 0
        else false
    end
{%- endmacro %}

{# British company number: eight digits, or two letters (or a letter and a digit) and six digits (Companies House). #}
{% macro is_british_company_number(number) -%}
    coalesce({{ regex_matches(number, '^([0-9]{8}|[A-Z][A-Z0-9][0-9]{6})$') }}, false)
{%- endmacro %}
