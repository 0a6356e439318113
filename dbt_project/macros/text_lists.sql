{#
    The texts of a group as one text, comma between them: for people to read. Nulls are left out; null where nothing is left.
    Texts sort by their bytes.
#}

{# The first twenty ids of a group, in order: enough to go and look. DuckDB holds twenty ids, not all of them. #}
{% macro first_ids(id, distinct=false) -%}
    {{ adapter.dispatch('first_ids', 'xledger_spend')(id, 'distinct ' if distinct else '') }}
{%- endmacro %}

{% macro default__first_ids(id, distinct) -%}
    array_to_string(min({{ distinct }}{{ id }}, 20), ', ')
{%- endmacro %}

{% macro postgres__first_ids(id, distinct) -%}
    array_to_string((array_agg({{ distinct }}{{ id }} order by {{ id }}) filter (where {{ id }} is not null))[1:20], ', ')
{%- endmacro %}

{% macro spark__first_ids(id, distinct) -%}
    case
        when count({{ id }}) > 0
            then array_join(
                slice(array_sort({{ 'collect_set' if distinct else 'collect_list' }}({{ id }})), 1, 20), ', '
            )
    end
{%- endmacro %}

{% macro snowflake__first_ids(id, distinct) -%}
    nullif(array_to_string(array_slice(array_agg({{ distinct }}{{ id }}) within group (order by {{ id }}), 0, 20), ', '), '')
{%- endmacro %}

{% macro bigquery__first_ids(id, distinct) -%}
    array_to_string(array_agg({{ distinct }}{{ id }} ignore nulls order by {{ id }} limit 20), ', ')
{%- endmacro %}

{# Each text of a group once, in order. #}
{% macro distinct_texts(text) -%}
    {{ adapter.dispatch('distinct_texts', 'xledger_spend')(text) }}
{%- endmacro %}

{% macro default__distinct_texts(text) -%}
    string_agg(distinct {{ text }}, ', ' order by {{ text }})
{%- endmacro %}

{% macro spark__distinct_texts(text) -%}
    case when count({{ text }}) > 0 then array_join(array_sort(collect_set({{ text }})), ', ') end
{%- endmacro %}

{% macro snowflake__distinct_texts(text) -%}
    nullif(listagg(distinct {{ text }}, ', ') within group (order by {{ text }}), '')
{%- endmacro %}

{# All texts of a group, in the order of numbers that are never null. #}
{% macro ordered_texts(text, numbers) -%}
    {{ adapter.dispatch('ordered_texts', 'xledger_spend')(text, numbers) }}
{%- endmacro %}

{% macro default__ordered_texts(text, numbers) -%}
    string_agg({{ text }}, ', ' order by {{ numbers | join(', ') }})
{%- endmacro %}

{% macro spark__ordered_texts(text, numbers) -%}
    array_join(
        transform(
            array_sort(collect_list(struct({{ numbers | join(', ') }}, {{ text }} as listed_text))),
            listed -> listed.listed_text
        ), ', '
    )
{%- endmacro %}

{% macro snowflake__ordered_texts(text, numbers) -%}
    listagg({{ text }}, ', ') within group (order by {{ numbers | join(', ') }})
{%- endmacro %}
