{# The guard's rule of an account, where the document type is not exempt from it. #}
{% macro applied_guard_rule(accounts, document_type) -%}
    case
        when ' ' || {{ accounts }}.guard_exempt_document_types || ' ' like '% ' || {{ document_type }} || ' %'
            then null
        else {{ accounts }}.guard_rule
    end
{%- endmacro %}
