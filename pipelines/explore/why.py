"""The page Why?: from an id or number to the voucher's lines, each with its road to spend or the reason against."""

from __future__ import annotations

import re

import duckdb

from pipelines.explore.tables import Table, supplier_link, table

_LINES_SHOWN = 200
# A number of 64 bits; longer ones name nothing.
_NUMBER = re.compile(r"\d{1,18}")
_OF_A_COMPANY = re.compile(r"(\d{1,18})-(\d{1,18})(-\d+)?")

# Vouchers by what was asked for: numbers as they are, `company-id` of a line or of a supplier-ledger item as the findings
# carry them, invoice numbers, and document types.
_ASKED = """
    with numbers as (select unnest($numbers::bigint[]) as number),
    pairs as (select unnest($pairs::struct(owner_db_id bigint, db_id bigint)[], recursive := true)),
    words as (select unnest($words::varchar[]) as word),
    named as (
        select owner_db_id, transaction_db_id, header_db_id from marts.fct_ledger_line
        where voucher_number in (from numbers) or transaction_db_id in (from numbers) or header_db_id in (from numbers)
        union
        select owner_db_id, transaction_db_id, header_db_id from marts.fct_ledger_line
        where (owner_db_id, transaction_db_id) in (select (owner_db_id, db_id) from pairs)
        union
        select owner_db_id, null, header_db_id from marts.fct_ap_invoice
        where (owner_db_id, ap_transaction_db_id) in (select (owner_db_id, db_id) from pairs)
            or lower(invoice_number) in (from words)
        union
        select owner_db_id, transaction_db_id, header_db_id from marts.fct_spend
        where lower(invoice_number) in (from words)
        union
        select owner_db_id, transaction_db_id, header_db_id from marts.fct_ledger_line
        where lower(document_type) in (from words)
    ),
    asked as (
        select lines.owner_db_id, lines.transaction_db_id from marts.fct_ledger_line as lines
        where (lines.owner_db_id, lines.header_db_id) in (select (owner_db_id, header_db_id) from named)
        union
        select owner_db_id, transaction_db_id from named where transaction_db_id is not null
    )
"""


def why(connection: duckdb.DuckDBPyConnection, asked_for: str) -> list[Table]:
    """Of the whole vouchers that are named: each line's road to spend, or the reason against.

    ``asked_for`` holds one or more, with commas between: voucher and invoice numbers, ids of lines and vouchers, ids of
    spend and supplier-ledger items as `company-id`, codes of document types.
    """
    words = [asked_for.strip().lower(), *(word.strip().lower() for word in asked_for.split(","))]
    asked: dict[str, object] = {
        "numbers": [int(word) for word in words if _NUMBER.fullmatch(word)],
        "pairs": [
            {"owner_db_id": int(found[1]), "db_id": int(found[2])}
            for word in words
            if (found := _OF_A_COMPANY.fullmatch(word))
        ],
        "words": words,
    }
    return [_lines(connection, asked), _spend(connection, asked)]


def _lines(connection: duckdb.DuckDBPyConnection, asked: dict[str, object]) -> Table:
    return table(
        connection,
        "Each line and the reason",
        f"{_ASKED} select lines.owner_name, lines.voucher_number, lines.transaction_db_id, "
        "case when lines.is_spend then 'spend' else 'no spend: ' || coalesce(lines.exclusion_reason, '') end as verdict, "
        "lines.document_type, lines.posted_date, lines.account_code, lines.account_name, lines.account_class, "
        "lines.amount, lines.company_currency "
        "from asked inner join marts.fct_ledger_line as lines using (owner_db_id, transaction_db_id) "
        f"order by lines.owner_name, lines.header_db_id, lines.transaction_db_id limit {_LINES_SHOWN}",
        asked,
    )


def _spend(connection: duckdb.DuckDBPyConnection, asked: dict[str, object]) -> Table:
    found = table(
        connection,
        "How each part of spend got its supplier and category",
        f"{_ASKED} select spend.spend_id, spend.invoice_number, spend.supplier_name, spend.supplier_attribution_method, "
        "spend.supplier_attribution_confidence, spend.category_level_1, spend.category_level_2, spend.category_level_3, "
        "spend.category_rule_id, spend.amount_net, spend.company_currency, spend.supplier_id from asked "
        "inner join marts.fct_spend as spend using (owner_db_id, transaction_db_id) "
        f"order by spend.spend_id limit {_LINES_SHOWN}",
        asked,
    )
    position = found.columns.index("supplier_name")
    rows = [
        (
            *row[:position],
            supplier_link(row[position] or row[-1], row[-1]) if row[-1] else None,
            *row[position + 1 : -1],
        )
        for row in found.rows
    ]
    return Table(found.title, found.columns[:-1], rows)
