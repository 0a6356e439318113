{#
    The first twenty ids of a group, in order, as text: enough to go and look. It holds twenty ids, not all of them. An id
    that can repeat is given as `distinct ...`.
#}
{% macro first_ids(id) -%}
    array_to_string(min({{ id }}, 20), ', ')
{%- endmacro %}
