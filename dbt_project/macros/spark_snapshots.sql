{#
    A snapshot on Spark in files that cannot be changed in place: dbt-spark's own needs `merge`, which plain Parquet has not.
    The new state is written beside the old one and then takes its name; a run that was killed in between ends the next time.
#}
{% materialization snapshot, adapter='spark' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set next_relation = target_relation.incorporate(path={'identifier': this.identifier ~ '__next'}) -%}
    {%- set finished = load_relation(next_relation) -%}
    {%- if finished and not load_relation(this) -%}
        {% do adapter.rename_relation(next_relation, target_relation) %}
    {%- elif finished -%}
        {% do adapter.drop_relation(next_relation) %}
    {%- endif -%}
    {%- set is_kept = load_relation(this) is not none -%}
    {%- set strategy = strategy_dispatch(config.get('strategy'))(
        model, 'snapshotted_data', 'source_data', model['config'], is_kept
    ) -%}

    {{ run_hooks(pre_hooks) }}

    {% if is_kept %}
        {% call statement('main') %}
            {{ create_table_as(false, next_relation, next_snapshot(strategy, target_relation)) }}
        {% endcall %}
        {% do adapter.drop_relation(target_relation) %}
        {% do adapter.rename_relation(next_relation, target_relation) %}
    {% else %}
        {% call statement('main') %}
            {{ create_table_as(false, target_relation, build_snapshot_table(strategy, model['compiled_code'])) }}
        {% endcall %}
    {% endif %}

    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# The rows that are kept, those among them closed that changed or went, and the new ones. #}
{% macro next_snapshot(strategy, target_relation) %}
    {%- set columns = adapter.get_columns_in_relation(target_relation) -%}
    with staged as (

        {{ snapshot_staging_table(strategy, model['compiled_code'], target_relation) }}

    )

    select
        {%- for column in columns %}
        {% if column.name == 'dbt_valid_to' -%}
            cast(coalesce(kept.dbt_valid_to, staged.dbt_valid_to) as {{ column.dtype }}) as dbt_valid_to
        {%- else -%}
            kept.{{ column.name }}
        {%- endif %}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ target_relation }} as kept
    left join staged
        on
            kept.dbt_scd_id = staged.dbt_scd_id
            and staged.dbt_change_type in ('update', 'delete')

    union all

    select
        {%- for column in columns %}
        cast(staged.{{ column.name }} as {{ column.dtype }}) as {{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from staged
    where staged.dbt_change_type = 'insert'
{% endmacro %}
