"""What a sync changed for those who read the published file: the finished build against the file it replaces."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

_MEMORY = "300MB"
# What identifies a row, and the rows without the columns that change with every run, or with the spend itself.
_COMPARED: Mapping[str, tuple[str, str]] = {
    "lines": ("spend_id", "select * exclude (_run_id, _loaded_at) from {}.marts.fct_spend"),
    "suppliers": (
        "supplier_id",
        "select supplier_id, supplier_name, supplier_org_number, vat_number, street_address, zip_code, place "
        "from {}.marts.dim_supplier",
    ),
}

# Ids of the API's own: those of spend lines and suppliers change when they are split or merged otherwise.
_RECEIVED = (
    "select owner_db_id as part, transaction_db_id as id from {}.marts.fct_ledger_line",
    "select owner_db_id as part, ap_transaction_db_id as id from {}.marts.fct_ap_invoice",
    "select 'supplier' as part, unnest(string_split(source_supplier_ids, ', ')) as id from {}.marts.dim_supplier",
)
SUMS = ("spend", "spend_before")


def compare(published: Path, built: Path) -> dict[str, Any]:
    """Counts of spend lines and suppliers, and spend by currency as text, exact to the last digit.

    Beside each stand what is new, changed and gone, where there is a published file to compare with that has the same
    columns. Nothing here names a line or a supplier. ``received_gone`` counts all lines, invoices and suppliers that are
    published and no longer received: deleted in Xledger, or payroll by now. With any of them there are no sums, because the
    difference would tell their amounts.
    """
    with _spill(built.parent) as spill, duckdb.connect() as connection:
        connection.execute(f"set memory_limit = '{_MEMORY}'; set temp_directory = '{_quoted(spill)}'")
        connection.execute(f"attach '{_quoted(built)}' as now (read_only)")
        figures = _figures(connection)
        if published.exists():
            try:
                connection.execute(f"attach '{_quoted(published)}' as before (read_only)")
                figures |= _changes(connection)
            except duckdb.Error:
                figures["not_comparable"] = True
    if figures.get("received_gone") or figures.get("not_comparable"):
        figures = {name: value for name, value in figures.items() if name not in SUMS}
    return figures


@contextmanager
def _spill(build: Path) -> Iterator[Path]:
    """Always the same folder, so that what a killed run left there goes with the next."""
    folder = build / "comparison"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _figures(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    lines, suppliers = connection.execute(
        "select (select count(*) from now.marts.fct_spend), (select count(*) from now.marts.dim_supplier)"
    ).fetchall()[0]
    return {"lines": lines, "suppliers": suppliers, "spend": _spend(connection, "now")}


def _changes(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    changes: dict[str, Any] = {
        "spend_before": _spend(connection, "before"),
        "received_gone": _received_gone(connection),
    }
    for name, (key, rows) in _COMPARED.items():
        new, changed, gone = connection.execute(
            f"""
            with
            now_rows as (select {key} as key, hash(compared) as content from ({rows.format("now")}) as compared),
            before_rows as (select {key} as key, hash(compared) as content from ({rows.format("before")}) as compared)
            select
                count(*) filter (where before_rows.key is null),
                count(*) filter (where now_rows.content <> before_rows.content),
                count(*) filter (where now_rows.key is null)
            from now_rows full join before_rows using (key)
            """
        ).fetchall()[0]
        changes |= {f"{name}_new": new, f"{name}_changed": changed, f"{name}_gone": gone}
    return changes


def _received_gone(connection: duckdb.DuckDBPyConnection) -> int:
    """Lines, invoices and source suppliers that the published file holds and the build does not."""
    counts = [
        connection.execute(
            f"select count(*) from ({rows.format('before')}) anti join ({rows.format('now')}) using (part, id)"
        ).fetchall()
        for rows in _RECEIVED
    ]
    return sum(count for [(count,)] in counts)


def _spend(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, str]:
    found = connection.execute(
        f"select company_currency, sum(amount_net)::varchar from {database}.marts.fct_spend group by all order by 1"
    ).fetchall()
    return {currency or "unknown": amount for currency, amount in found}


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
