"""A raw warehouse made by hand: the tables that a sync lands, filled with the rows that a test writes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType

import duckdb

from pipelines.xledger.tables import TABLES

Row = Mapping[str, object]

# Written by every run beside the seventeen entities.
RUN_TABLES: Mapping[str, str] = {
    "sync_run": (
        "run_id varchar, started_at timestamp, landed_at timestamp, mode varchar, requests bigint, retries bigint, "
        "bytes_received bigint, bytes_sent bigint"
    ),
    "sync_run_entity": "run_id varchar, table_name varchar, rows bigint, pages bigint",
    "published_spend": (
        "spend_id varchar, transaction_db_id bigint, owner_db_id bigint, owner_name varchar, account_code varchar, "
        "supplier_name varchar, posted_date date, amount_net decimal(19, 4), company_currency varchar, run_id varchar, "
        "landed_at timestamp"
    ),
    "payroll_exclusion": (
        "run_id varchar, root varchar, rule varchar, excluded_ids bigint, ids_sha256 varchar, rows_seen bigint, "
        "rows_received bigint, rows_excluded bigint"
    ),
    "_dlt_loads": (
        "load_id varchar, schema_name varchar, status bigint, inserted_at timestamp with time zone, "
        "schema_version_hash varchar"
    ),
}


class RawWarehouse:
    """An empty warehouse under ``data_dir``; columns that a row leaves out are null."""

    def __init__(self, data_dir: Path) -> None:
        path = data_dir / "build" / "warehouse.duckdb"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = duckdb.connect(str(path))
        self._connection.execute("create schema raw_xledger")
        for table in TABLES.values():
            columns = ", ".join(f'"{column.name}" {column.kind.value}' for column in table.columns)
            self._connection.execute(f'create table raw_xledger."{table.name}" ({columns})')
        for name, columns in RUN_TABLES.items():
            self._connection.execute(f"create table raw_xledger.{name} ({columns})")

    def __enter__(self) -> RawWarehouse:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()

    def add(self, table: str, *rows: Row) -> None:
        """Insert rows; a value is cast to the column's declared type by DuckDB, which fails if it does not fit."""
        for row in rows:
            columns = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join("?" for _ in row)
            self._connection.execute(
                f'insert into raw_xledger."{table}" ({columns}) values ({marks})', list(row.values())
            )

    def add_all(self, rows_by_table: Mapping[str, Iterable[Row]]) -> None:
        for table, rows in rows_by_table.items():
            self.add(table, *rows)
