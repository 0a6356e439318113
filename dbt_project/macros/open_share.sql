{#
    The open part of an amount in company currency: the same share as is open in the currency of the transaction. Exact
    where nothing or all is open or both currencies are one, else cut to a ten-thousandth.
#}
{% macro open_share(amount, transaction_remaining, transaction_amount) -%}
    case
        when coalesce({{ transaction_remaining }}, 0) = 0 then cast(0 as decimal(19, 4))
        when {{ amount }} = {{ transaction_amount }} then {{ transaction_remaining }}
        when {{ transaction_remaining }} = {{ transaction_amount }} then {{ amount }}
        when {{ transaction_amount }} <> 0
            then cast(
                cast(
                    {{ whole_quotient(
                        ten_thousandths(amount) ~ ' * ' ~ ten_thousandths(transaction_remaining),
                        ten_thousandths(transaction_amount)
                    ) }} as decimal(20, 0)
                ) * 0.0001 as decimal(19, 4)
            )
    end
{%- endmacro %}
