{#
    A company name as it is compared: lower case, accents and Nordic letters folded, legal forms and everything but letters
    and digits dropped. Two names with one key are likely, never surely, one company.
#}
{% macro name_key(name) -%}
    {{ regex_replace(
        regex_replace(
            "' ' || " ~ without_accents(
                "replace(replace(replace(" ~ lower_case(name) ~ ", 'æ', 'ae'), 'ø', 'o'), 'ß', 'ss')"
            ) ~ " || ' '",
            '[\\s.,/&+-]+(as|asa|a\\s*/\\s*s|aps|ab|oy|oyj|ltd|limited|plc|llc|inc|gmbh|ag|bv|nv|sa|sarl|srl|nuf|ans|da|ks|hb|kb)[\\s.,]*$',
            ' '
        ),
        '[^a-z0-9]', ''
    ) }}
{%- endmacro %}

{# Every small letter that Unicode writes as one of a to z with marks, as that letter. #}
{% macro without_accents(text) -%}
    {%- set letters = {
        'a': 'àáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ',
        'b': 'ḃḅḇ',
        'c': 'çćĉċčḉ',
        'd': 'ďḋḍḏḑḓ',
        'e': 'èéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ',
        'f': 'ḟ',
        'g': 'ĝğġģǧǵḡ',
        'h': 'ĥȟḣḥḧḩḫẖ',
        'i': 'ìíîïĩīĭįǐȉȋḭḯỉị',
        'j': 'ĵǰ',
        'k': 'ķǩḱḳḵ',
        'l': 'ĺļľḷḹḻḽ',
        'm': 'ḿṁṃ',
        'n': 'ñńņňǹṅṇṉṋ',
        'o': 'òóôõöōŏőơǒǫǭȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ',
        'p': 'ṕṗ',
        'r': 'ŕŗřȑȓṙṛṝṟ',
        's': 'śŝşšșṡṣṥṧṩ',
        't': 'ţťțṫṭṯṱẗ',
        'u': 'ùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự',
        'v': 'ṽṿ',
        'w': 'ŵẁẃẅẇẉẘ',
        'x': 'ẋẍ',
        'y': 'ýÿŷȳẏẙỳỵỷỹ',
        'z': 'źżžẑẓẕ',
    } -%}
    {%- set plain = [] -%}
    {%- for letter, accented in letters.items() -%}
        {%- do plain.append(letter * (accented | length)) -%}
    {%- endfor -%}
    translate({{ text }}, '{{ letters.values() | join }}', '{{ plain | join }}')
{%- endmacro %}
