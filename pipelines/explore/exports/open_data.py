"""Spend in the Swedish national open-data format for supplier ledgers, version 1.1: one file a company.

Fifteen columns, the first nine required, one row for each posting: https://lankadedata.se/spec/leverantorsreskontra/1.1
"""

from __future__ import annotations

# The format has no column for a currency, so a file holds one company, in its own currency. A posting without a
# supplier or account cannot be expressed: those columns are required. What Xledger does not know stays empty.
ROWS_OF_A_COMPANY = """
    select
        coalesce(owners.owner_org_number, cast(spend.owner_db_id as varchar)) as kopare_id,
        spend.owner_name as kopare,
        cast(spend.voucher_number as varchar) as verifikationsnummer,
        spend.supplier_name as leverantor,
        coalesce(spend.supplier_org_number, spend.supplier_id) as leverantor_id,
        spend.account_code as konto_nr,
        spend.account_name as konto_text,
        spend.amount_net as belopp,
        spend.spend_date as datum,
        null as forvaltning,
        spend.invoice_number as fakturanummer,
        null as grund,
        null as avtal,
        null as kommun_id,
        null as s_kod_nr
    from marts.fct_spend as spend
    inner join marts.dim_owner as owners on spend.owner_db_id = owners.owner_db_id
    where spend.owner_db_id = $owner_db_id and spend.supplier_db_id is not null
    order by spend.spend_date, spend.spend_id
"""

COMPANIES = """
    select
        owners.owner_db_id,
        regexp_replace(coalesce(owners.owner_org_number, cast(owners.owner_db_id as varchar)), '[^0-9A-Za-z]', '', 'g')
            as name_of_file,
        count(*) filter (where spend.spend_id is not null and spend.supplier_db_id is null) as without_supplier
    from marts.dim_owner as owners
    left join marts.fct_spend as spend on owners.owner_db_id = spend.owner_db_id
    group by all
    order by all
"""
