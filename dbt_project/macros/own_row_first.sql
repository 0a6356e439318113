{#
    A line refers to a register row (account, supplier, dimension value) by its id alone. The row can belong to the line's
    own company or be shared by the group's top owner: take the own row where there is one, else the shared one, never both.
#}
{% macro own_row_first(partition_by, line_owner, register_owner) -%}
    row_number() over (
        partition by {{ partition_by | join(", ") }}
        order by ({{ register_owner }} = {{ line_owner }}) desc, {{ register_owner }}
    ) = 1
{%- endmacro %}
