{#
    The schema is the folder's name alone (staging, marts): analysts type it. On a server marts and audit are built beside the
    published ones, which keep their names until the new ones are whole; the docs site is made of these.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
    {{- env_var('TARGET_BUILT_AS', '_build') if custom_schema_name in ('marts', 'audit') and target.type != 'duckdb' }}
{%- endmacro %}
