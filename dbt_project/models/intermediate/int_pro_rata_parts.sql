with lines as (

    select * from {{ ref('int_supplier_ladder') }}
    where supplier_attribution_method = 'pro_rata'

),

split_vouchers as (

    select
        owner_db_id,
        header_db_id
    from lines
    group by owner_db_id, header_db_id

),

header_suppliers as (

    select * from {{ ref('int_ap_header_suppliers_summarised') }}

),

split_suppliers as (

    select header_suppliers.*
    from header_suppliers
    inner join split_vouchers
        on
            header_suppliers.owner_db_id = split_vouchers.owner_db_id
            and header_suppliers.header_db_id = split_vouchers.header_db_id

),

-- A voucher whose suppliers' items all come to zero is split evenly.
weights as (

    select
        owner_db_id,
        header_db_id,
        supplier_db_id,
        case
            when sum(abs(gross_amount)) over (partition by owner_db_id, header_db_id) = 0 then 1
            else {{ ten_thousandths('abs(gross_amount)') }}
        end as weight
    from split_suppliers

),

weighted as (

    select
        lines.owner_db_id,
        lines.transaction_db_id,
        lines.header_db_id,
        weights.supplier_db_id,
        lines.amount,
        lines.tax_amount,
        lines.transaction_amount,
        weights.weight,
        sum(weights.weight) over (
            partition by lines.owner_db_id, lines.transaction_db_id
        ) as total_weight,
        row_number() over (
            partition by lines.owner_db_id, lines.transaction_db_id
            order by weights.supplier_db_id
        ) as split_number
    from lines
    inner join weights
        on
            lines.owner_db_id = weights.owner_db_id
            and lines.header_db_id = weights.header_db_id

),

sure as (

    select
        *,
        {{ sure_hundredths('amount', 'weight', 'total_weight') }} as sure_amount,
        {{ lost_hundredths('amount', 'weight', 'total_weight') }} as lost_amount,
        {{ sure_hundredths('tax_amount', 'weight', 'total_weight') }} as sure_tax,
        {{ lost_hundredths('tax_amount', 'weight', 'total_weight') }} as lost_tax,
        {{ sure_hundredths('transaction_amount', 'weight', 'total_weight') }} as sure_transaction,
        {{ lost_hundredths('transaction_amount', 'weight', 'total_weight') }} as lost_transaction
    from weighted

),

ranked as (

    select
        *,
        sum(sure_amount) over (partition by owner_db_id, transaction_db_id) as all_sure_amount,
        sum(sure_tax) over (partition by owner_db_id, transaction_db_id) as all_sure_tax,
        sum(sure_transaction) over (partition by owner_db_id, transaction_db_id) as all_sure_transaction,
        row_number() over (
            partition by owner_db_id, transaction_db_id
            order by lost_amount desc, split_number asc
        ) as rank_amount,
        row_number() over (
            partition by owner_db_id, transaction_db_id
            order by lost_tax desc, split_number asc
        ) as rank_tax,
        row_number() over (
            partition by owner_db_id, transaction_db_id
            order by lost_transaction desc, split_number asc
        ) as rank_transaction
    from sure

),

parts as (

    select
        owner_db_id,
        transaction_db_id,
        header_db_id,
        split_number,
        supplier_db_id,
        {{ part_amount('amount', 'sure_amount', 'all_sure_amount', 'rank_amount', 'split_number') }} as amount,
        {{ part_amount('tax_amount', 'sure_tax', 'all_sure_tax', 'rank_tax', 'split_number') }} as tax_amount,
        {{ part_amount(
            'transaction_amount', 'sure_transaction', 'all_sure_transaction', 'rank_transaction', 'split_number'
        ) }} as transaction_amount
    from ranked

)

select * from parts
