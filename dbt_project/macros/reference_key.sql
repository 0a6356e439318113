{#
    A reference as it is compared: letters and digits, upper case. Null where it is shorter than three characters or holds no
    digit, as such a word would match by chance.
#}
{% macro reference_key(text) -%}
    case
        when {{ regex_matches(text, '[0-9]') }} and length({{ letters_and_digits(text) }}) >= 3
            then {{ upper_case(letters_and_digits(text)) }}
    end
{%- endmacro %}
