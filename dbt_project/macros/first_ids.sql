{# The first twenty ids of a group, in order, as text: enough to go and look. #}
{% macro first_ids(id) -%}
    array_to_string(list_slice(list_sort(list(distinct {{ id }})), 1, 20), ', ')
{%- endmacro %}
