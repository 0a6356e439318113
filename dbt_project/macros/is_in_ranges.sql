{# True where the number lies in one of the [low, high] pairs, both ends included; false for null or no ranges. #}
{% macro is_in_ranges(number, ranges) -%}
    coalesce({% for low, high in ranges %}{{ number }} between {{ low }} and {{ high }}{{ " or " if not loop.last }}{% else %}false{% endfor %}, false)
{%- endmacro %}
