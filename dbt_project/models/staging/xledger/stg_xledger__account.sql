with source as (

    select * from {{ source('xledger', 'account') }}

),

renamed as (

    select
        owner_db_id,
        db_id as account_db_id,
        chart_of_account_db_id,
        account_group_db_id,
        ledger_type_db_id,
        code as account_code,
        description as account_name,
        account_group_code,
        account_group_description as account_group,
        chart_of_account_code as chart_code,
        chart_of_account_name as chart_name,
        ledger_type_code,
        balance_sheet as is_balance_sheet,
        asset as is_asset,
        liabilities as is_liabilities,
        equity as is_equity,
        revenue as is_revenue,
        cost as is_cost,
        cost_of_goods_sold as is_cost_of_goods_sold,
        cost_wages_salaries as is_cost_wages_salaries,
        cost_depreciation as is_cost_depreciation,
        cost_sales_and_marketing as is_cost_sales_and_marketing,
        cost_other_operating as is_cost_other_operating,
        finance as is_finance,
        vat as is_vat,
        posting as is_posting,
        modified_at
    from source

)

select * from renamed
