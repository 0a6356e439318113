{#
    A share or rate with six decimals, half of the last rounded away from zero; null where there is nothing to divide by. Exact
    for values with at most so many decimals.
#}
{% macro ratio(part, whole, decimals=4) -%}
    {%- set numerator = 'abs(' ~ whole_number(part, decimals) ~ ')' -%}
    {%- set denominator = 'abs(' ~ whole_number(whole, decimals) ~ ')' -%}
    case
        when ({{ whole }}) <> 0
            then cast(
                case when (({{ part }}) < 0) = (({{ whole }}) < 0) then 1 else -1 end
                * cast(
                    {{ whole_quotient('2000000 * ' ~ numerator ~ ' + ' ~ denominator, '2 * ' ~ denominator) }}
                    as decimal(20, 0)
                ) * 0.000001 as decimal(18, 6)
            )
    end
{%- endmacro %}
