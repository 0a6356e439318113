{#
    A reference as it is compared: letters and digits, upper case. Null where it is shorter than three characters or holds no
    digit, as such a word would match by chance.
#}
{% macro reference_key(text) -%}
    case
        when regexp_matches({{ text }}, '\d') and length(regexp_replace({{ text }}, '[^\p{L}\p{N}]', '', 'g')) >= 3
            then upper(regexp_replace({{ text }}, '[^\p{L}\p{N}]', '', 'g'))
    end
{%- endmacro %}
