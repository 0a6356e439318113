"""`make export`: published tables as Excel, CSV or Parquet, or spend as Swedish open data, in `DATA_DIR/export/`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import duckdb

from pipelines.exits import exit_code_of
from pipelines.explore.exports.csv_file import write_csv
from pipelines.explore.exports.excel import write_excel
from pipelines.explore.exports.open_data import COMPANIES, ROWS_OF_A_COMPANY
from pipelines.explore.published import columns_of, connect, published_warehouse, table_names, writable_folder
from pipelines.xledger.errors import ConfigurationError

FORMATS = ("xlsx", "csv", "parquet", "open-data")
_ROWS_AT_ONCE = 10_000


def main() -> int:
    parser = argparse.ArgumentParser(description="Export published tables.")
    parser.add_argument("--table", default="fct_spend", help="a table, such as fct_spend or audit.spend_bridge; or all")
    parser.add_argument("--format", default="xlsx", help=" or ".join(FORMATS))
    arguments = parser.parse_args()
    return exit_code_of(partial(run, arguments.table, arguments.format))


def run(table: str, file_format: str) -> None:
    """Write the files and name each with its number of rows.

    Raises:
        ConfigurationError: there is no such table or format, nothing is published yet, or the folder
            cannot be written.
    """
    if file_format not in FORMATS:
        raise ConfigurationError(f"There is no format {file_format!r}; choose one of {', '.join(FORMATS)}.")
    warehouse = published_warehouse()
    folder = writable_folder(warehouse.data_dir / "export")
    with connect(warehouse.published) as connection:
        if file_format == "open-data":
            _export_open_data(connection, folder)
            return
        for name in _chosen(table, table_names(connection)):
            _export_table(connection, name, folder / f"{name.split('.')[1]}.{file_format}")


def _chosen(table: str, published: list[str]) -> list[str]:
    if table == "all":
        return published
    chosen = [name for name in published if table in (name, name.split(".")[1])]
    if not chosen:
        raise ConfigurationError(f"There is no table {table!r}; there are {', '.join(published)}.")
    return chosen


def _export_table(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> None:
    schema, name = table.split(".")
    selection = f'select * from "{schema}"."{name}" order by all'
    with _in_place_of(path) as unfinished:
        if path.suffix == ".parquet":
            target = str(unfinished).replace("'", "''")
            copied = connection.execute(f"copy ({selection}) to '{target}' (format parquet, compression zstd)")
            ((count,),) = copied.fetchall()
        elif path.suffix == ".csv":
            names = [column.name for column in columns_of(connection, table)]
            count = write_csv(unfinished, names, _rows(connection.execute(selection)))
        else:
            columns = columns_of(connection, table)
            count = write_excel(unfinished, name, columns, _rows(connection.execute(selection)))
    print(f"{path}: {count:,} rows", flush=True)


def _export_open_data(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    for owner_db_id, name, without_supplier in connection.execute(COMPANIES).fetchall():
        path = folder / f"leverantorsreskontra_{name}.csv"
        result = connection.execute(ROWS_OF_A_COMPANY, {"owner_db_id": owner_db_id})
        names = [column[0] for column in result.description or ()]
        with _in_place_of(path) as unfinished:
            count = write_csv(unfinished, names, _rows(result))
        print(f"{path}: {count:,} rows; {without_supplier:,} spend lines without a supplier left out", flush=True)


def _rows(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[object, ...]]:
    while rows := result.fetchmany(_ROWS_AT_ONCE):
        yield from rows


@contextmanager
def _in_place_of(path: Path) -> Iterator[Path]:
    """A path to write to; only when all is written does it take the place of the file of an earlier export."""
    unfinished = path.with_name(f".unfinished-{path.name}")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
