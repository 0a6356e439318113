{#
    A company name as it is compared: lower case, accents and Nordic letters folded, legal forms and everything but letters
    and digits dropped. Two names with one key are likely, never surely, one company.
#}
{% macro name_key(name) -%}
    regexp_replace(
        regexp_replace(
            ' ' || strip_accents(replace(replace(replace(replace(lower({{ name }}), 'æ', 'ae'), 'ø', 'o'), 'å', 'a'), 'ß', 'ss')) || ' ',
            '[\s.,/&+-]+(as|asa|a\s*/\s*s|aps|ab|oy|oyj|ltd|limited|plc|llc|inc|gmbh|ag|bv|nv|sa|sarl|srl|nuf|ans|da|ks|hb|kb)[\s.,]*$',
            ' '
        ),
        '[^a-z0-9]', '', 'g'
    )
{%- endmacro %}
