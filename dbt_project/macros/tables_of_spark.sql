{#
    Before a build on Spark, whose catalog is new each time: the raw tables that lie in the target's folder, and of the suppliers'
    history what belongs to suppliers that were received now.
#}
{% macro tables_of_spark() %}
    {%- set raw = env_var('TARGET_SPARK_RAW', '') -%}
    {%- set history = env_var('TARGET_SPARK_HISTORY', '') -%}
    {%- if execute and target.type == 'spark' and raw -%}
        {%- do run_query('create schema if not exists raw_xledger') -%}
        {%- for source in graph.sources.values() -%}
            {%- do run_query(
                'create table raw_xledger.`' ~ source.name ~ "` using parquet location '" ~ raw ~ '/' ~ source.name ~ "'"
            ) -%}
        {%- endfor -%}
        {%- if history -%}
            {%- do run_query('create schema if not exists snapshots') -%}
            {%- do run_query(
                'create table snapshots.supplier_snapshot using parquet as select kept.* from parquet.`' ~ history
                ~ '/supplier_snapshot` as kept left semi join raw_xledger.supplier as supplier '
                ~ 'on kept.owner_db_id = supplier.owner_db_id and kept.supplier_db_id = supplier.db_id'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
