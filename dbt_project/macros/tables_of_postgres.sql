{#
    After a table is made: until it is analyzed, PostgreSQL takes a join on company and id for a handful of rows, and loops over
    the whole table for each. Autovacuum would come after the models that read it.
#}
{% macro analyzed() %}
    {%- if target.type == 'postgres' and model.config.materialized == 'table' -%}
        analyze {{ this }}
    {%- endif -%}
{% endmacro %}
