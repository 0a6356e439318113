{#
    A line refers to a register row (account, supplier, dimension value) by its id alone. The row can belong to the line's
    own company or be shared by the group's top owner: the own row is number 1 where there is one, else the shared one.
#}
{% macro own_row_first(partition_by, line_owner, register_owner) -%}
    row_number() over (
        partition by {{ partition_by | join(", ") }}
        order by case when {{ register_owner }} = {{ line_owner }} then 1 else 2 end, {{ register_owner }}
    )
{%- endmacro %}
