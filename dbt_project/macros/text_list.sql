{# A list of text literals for `in`; a list that no value equals where the setting is empty. #}
{% macro text_list(values) -%}
    ({% for value in values %}'{{ value | replace("'", "''") }}'{{ ", " if not loop.last }}{% else %}null{% endfor %})
{%- endmacro %}
