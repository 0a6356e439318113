{# dbt-spark's own gives the driver every value between apostrophes as it is: an apostrophe ends it, and a null is the text None. #}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set rows = [] -%}
    {%- for row in agate_table.rows -%}
        {%- set values = [] -%}
        {%- for value in row -%}
            {%- set type = types.get(agate_table.column_names[loop.index0], adapter.convert_type(agate_table, loop.index0)) -%}
            {%- set text = value | string | replace('\\', '\\\\') | replace("'", "\\'") -%}
            {%- do values.append('cast(' ~ ('null' if value is none else "'" ~ text ~ "'") ~ ' as ' ~ type ~ ')') -%}
        {%- endfor -%}
        {%- do rows.append('(' ~ values | join(', ') ~ ')') -%}
    {%- endfor -%}
    {%- set statements = [] -%}
    {%- for some_rows in rows | batch(1000) -%}
        {%- set statement = 'insert into ' ~ this.render() ~ ' values ' ~ some_rows | join(', ') -%}
        {%- do adapter.add_query(statement, abridge_sql_log=True) -%}
        {%- do statements.append(statement) -%}
    {%- endfor -%}
    {{ return(statements[0]) }}
{% endmacro %}
