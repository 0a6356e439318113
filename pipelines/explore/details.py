"""What the pages beside the overview show, as tables: supplier, why, findings, bridge, payroll evidence, freshness."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

_SUPPLIERS_FOUND = 50


@dataclass(frozen=True)
class Table:
    """A titled result. Amount columns of a table are in the currency that stands in the same row."""

    title: str
    columns: list[str]
    rows: list[tuple[object, ...]]


def table(
    connection: duckdb.DuckDBPyConnection, title: str, sql: str, parameters: dict[str, object] | None = None
) -> Table:
    result = connection.execute(sql, parameters or {})
    return Table(title, [column[0] for column in result.description or ()], result.fetchall())


def find_suppliers(connection: duckdb.DuckDBPyConnection, words: str) -> list[tuple[str, str]]:
    """Id and label of the largest suppliers whose name, organisation number, code or id holds the words."""
    return connection.execute(
        "select supplier_id, coalesce(supplier_name, supplier_id) || coalesce(' (' || supplier_org_number || ')', '') "
        "from marts.dim_supplier "
        "where contains(lower(concat_ws(' ', supplier_name, supplier_org_number, supplier_codes, supplier_id)), lower($words)) "
        f"order by spend_amount desc nulls last, supplier_id limit {_SUPPLIERS_FOUND}",
        {"words": words.strip()},
    ).fetchall()


def supplier(connection: duckdb.DuckDBPyConnection, supplier_id: str) -> list[Table]:
    """One supplier: who it is, which source records it stands for, months, accounts, payment, latest invoices."""
    chosen: dict[str, object] = {"supplier_id": supplier_id}
    return [
        table(connection, "Supplier", "from marts.dim_supplier where supplier_id = $supplier_id", chosen),
        table(
            connection,
            "Payment (settled invoices)",
            "select owner_name, count(*) as invoices, round(avg(agreed_days), 1) as agreed_days, "
            "round(avg(days_to_pay), 1) as days_to_pay, count(*) filter (where days_late > 0) as paid_late "
            "from marts.fct_ap_invoice where supplier_id = $supplier_id and is_settled and not is_credit_note "
            "group by all order by all",
            chosen,
        ),
        table(
            connection,
            "Spend by month",
            "select strftime(spend_date, '%Y-%m') as month, company_currency, sum(amount_net) as spend, "
            "count(distinct invoice_number) as invoices from marts.fct_spend where supplier_id = $supplier_id "
            "group by all order by month desc nulls last, company_currency",
            chosen,
        ),
        table(
            connection,
            "Spend by account",
            "select owner_name, account_code, account_name, company_currency, sum(amount_net) as spend "
            "from marts.fct_spend where supplier_id = $supplier_id group by all order by spend desc, owner_name, account_code",
            chosen,
        ),
        table(
            connection,
            "Latest 100 invoices",
            "select invoice_number, owner_name, voucher_number, invoice_date, due_date, paid_date, days_late, "
            "amount_gross, open_amount, company_currency from marts.fct_ap_invoice where supplier_id = $supplier_id "
            "order by invoice_date desc nulls last, ap_invoice_id limit 100",
            chosen,
        ),
    ]


def why(connection: duckdb.DuckDBPyConnection, number: str) -> list[Table]:
    """Of the whole voucher that a voucher, invoice or line number names: each line's road to spend, or the reason against."""
    asked: dict[str, object] = {"number": number.strip()}
    found = (
        "with named as (select owner_db_id, transaction_db_id, header_db_id from marts.fct_ledger_line "
        "where $number in (voucher_number::varchar, transaction_db_id::varchar, header_db_id::varchar) "
        "union select owner_db_id, transaction_db_id, header_db_id from marts.fct_spend "
        "where lower($number) in (lower(invoice_number), spend_id)), "
        "asked as (select lines.owner_db_id, lines.transaction_db_id from marts.fct_ledger_line as lines "
        "where (lines.owner_db_id, lines.header_db_id) in (select (owner_db_id, header_db_id) from named) "
        "union select owner_db_id, transaction_db_id from named) "
    )
    lines = table(
        connection,
        "Each line and the reason",
        f"{found} select lines.owner_name, lines.voucher_number, lines.transaction_db_id, "
        "case when lines.is_spend then 'spend' else 'no spend: ' || coalesce(lines.exclusion_reason, '') end as verdict, "
        "lines.document_type, lines.posted_date, lines.account_code, lines.account_name, lines.account_class, "
        "lines.amount, lines.company_currency "
        "from asked inner join marts.fct_ledger_line as lines using (owner_db_id, transaction_db_id) "
        "order by lines.owner_name, lines.header_db_id, lines.transaction_db_id limit 200",
        asked,
    )
    spend = table(
        connection,
        "How each part of spend got its supplier and category",
        f"{found} select spend.spend_id, spend.invoice_number, spend.supplier_name, spend.supplier_attribution_method, "
        "spend.supplier_attribution_confidence, spend.category_level_1, spend.category_level_2, spend.category_level_3, "
        "spend.category_rule_id, spend.amount_net, spend.company_currency from asked "
        "inner join marts.fct_spend as spend using (owner_db_id, transaction_db_id) order by spend.spend_id limit 200",
        asked,
    )
    return [lines, spend]


def findings(connection: duckdb.DuckDBPyConnection) -> list[Table]:
    return [
        table(
            connection,
            "Findings by severity and amount (largest 500)",
            "select severity, finding, owner_name, subject, amount, company_currency, item_count, ids "
            "from audit.data_quality order by array_position(['high', 'medium', 'low'], severity), abs(amount) desc nulls last, "
            "finding, subject limit 500",
        )
    ]


def bridge(connection: duckdb.DuckDBPyConnection) -> list[Table]:
    return [
        table(
            connection,
            "From received ledger lines to spend",
            "select owner_name, step_number, step, detail, line_count, amount, company_currency from audit.spend_bridge "
            "where is_applied order by owner_name, step_number, detail",
        )
    ]


def payroll_evidence(connection: duckdb.DuckDBPyConnection) -> list[Table]:
    """Counts and hashes of the last 20 runs: what was left out, never what it was."""
    return [
        table(
            connection,
            "What was never received, by run, ledger and rule",
            "select landed_at, root, rule, excluded_ids, rows_seen, rows_received, rows_excluded, ids_sha256, run_id "
            "from audit.payroll_exclusions where run_id in "
            "(select run_id from audit.sync_runs order by landed_at desc limit 20) order by landed_at desc, root, rule",
        )
    ]


def freshness(connection: duckdb.DuckDBPyConnection) -> list[Table]:
    return [
        table(connection, "Last 20 runs (UTC)", "from audit.sync_runs order by landed_at desc limit 20"),
        table(
            connection,
            "Rows of the last run",
            "select table_name, rows_landed, pages from audit.sync_run_entities where run_id = "
            "(select run_id from audit.sync_runs order by landed_at desc limit 1) order by table_name",
        ),
        table(
            connection,
            "Dates in the spend",
            "select owner_name, min(posted_date) as first_posted, max(posted_date) as last_posted, count(*) as lines "
            "from marts.fct_spend group by all order by all",
        ),
    ]
