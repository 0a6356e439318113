{# A row for each word of a text: what stands between two spaces. #}
{% macro words_of(relation, keys, text) -%}
    {{ adapter.dispatch('words_of', 'xledger_spend')(relation, keys | join(', '), text) }}
{%- endmacro %}

{% macro default__words_of(relation, keys, text) -%}
    select {{ keys }}, unnest(string_split({{ text }}, ' ')) as word from {{ relation }}
{%- endmacro %}

{% macro postgres__words_of(relation, keys, text) -%}
    select {{ keys }}, unnest(string_to_array({{ text }}, ' ')) as word from {{ relation }}
{%- endmacro %}

{% macro spark__words_of(relation, keys, text) -%}
    select {{ keys }}, explode(split({{ text }}, ' ')) as word from {{ relation }}
{%- endmacro %}

{% macro snowflake__words_of(relation, keys, text) -%}
    select {{ keys }}, words.value as word from {{ relation }} cross join lateral split_to_table({{ text }}, ' ') as words
{%- endmacro %}

{% macro bigquery__words_of(relation, keys, text) -%}
    select {{ keys }}, word from {{ relation }} cross join unnest(split({{ text }}, ' ')) as word
{%- endmacro %}
