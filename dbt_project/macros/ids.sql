{# A supplier that has neither a valid number nor a merge: its record in Xledger. #}
{% macro source_supplier_id(owner, supplier) -%}
    'source-' || {{ owner_and_id(owner, supplier) }}
{%- endmacro %}

{# A company and an id of it as one text. #}
{% macro owner_and_id(owner, id) -%}
    {{ as_text(owner) }} || '-' || {{ as_text(id) }}
{%- endmacro %}
