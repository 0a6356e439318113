{#
    Splitting an amount by weights so that the parts add up to it exactly: every part gets its share in whole hundredths,
    the hundredths left over go one each to the parts that lost most by rounding down. Arithmetic is on whole numbers,
    weights are not negative and their total is positive. Digits finer than a hundredth go to part 1.
#}

{# A DECIMAL(19,4) as a whole number of ten-thousandths. #}
{% macro ten_thousandths(amount) -%}
    {{ whole_number(amount, 4) }}
{%- endmacro %}

{# The amount without sign in whole hundredths. #}
{% macro hundredths(amount) -%}
    {{ whole_quotient('abs(' ~ ten_thousandths(amount) ~ ')', '100') }}
{%- endmacro %}

{# The hundredths that a part gets for sure. #}
{% macro sure_hundredths(amount, weight, total_weight) -%}
    {{ whole_quotient('(' ~ hundredths(amount) ~ ') * ' ~ weight, total_weight) }}
{%- endmacro %}

{# What a part lost by rounding down, in units of a hundredth divided by the total weight. #}
{% macro lost_hundredths(amount, weight, total_weight) -%}
    mod(({{ hundredths(amount) }}) * {{ weight }}, {{ total_weight }})
{%- endmacro %}

{# A part's amount. The rank orders the parts by what they lost, the most first. #}
{% macro part_amount(amount, sure, all_sure, rank, part_number) -%}
    cast(
        cast(
            case when {{ amount }} < 0 then -1 else 1 end * (
                100 * ({{ sure }} + case when {{ rank }} <= ({{ hundredths(amount) }}) - {{ all_sure }} then 1 else 0 end)
                + case when {{ part_number }} = 1 then mod(abs({{ ten_thousandths(amount) }}), 100) else 0 end
            ) as decimal(20, 0)
        ) * 0.0001 as decimal(19, 4)
    )
{%- endmacro %}
