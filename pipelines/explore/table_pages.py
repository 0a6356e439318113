"""The pages that are tables alone: findings, bridge, payroll evidence, freshness."""

from __future__ import annotations

import duckdb

from pipelines.explore.tables import Link, Table, supplier_link, table, why_link


def findings(connection: duckdb.DuckDBPyConnection) -> list[Table]:
    """Each finding with a link to what it is about, ids carried over."""
    found = table(
        connection,
        "Findings by severity and amount (largest 500)",
        "select severity, finding, owner_name, subject, amount, company_currency, item_count, ids "
        "from audit.data_quality order by array_position(['high', 'medium', 'low'], severity), abs(amount) desc nulls last, "
        "finding, subject limit 500",
    )
    rows = [(*row[:-1], _look_at(str(row[1]), row[3], row[-1])) for row in found.rows]
    return [Table(found.title, [*found.columns[:-1], "look"], rows)]


def _look_at(finding: str, subject: object, ids: object) -> Link | None:
    """What about suppliers leads to the supplier, anything else to its lines."""
    if not ids:
        return None
    if finding == "supplier_without_org_number":
        return supplier_link("Supplier", subject)
    return why_link("Why?", ids)


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
