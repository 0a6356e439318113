"""Whether two places hold the same marts and audit tables: the same columns, and the same rows, each as often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

SCHEMAS = ("marts", "audit")


@dataclass(frozen=True)
class Rows:
    """What a table holds; the order of the rows says nothing."""

    columns: Sequence[str]
    rows: Counter[tuple[object, ...]]


def rows_of(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, Rows]:
    """Every mart and audit table of an attached database."""
    found = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ? and schema_name in ('marts', 'audit')",
        [database],
    ).fetchall()
    tables = {}
    for schema, table in found:
        read = connection.execute(f'from {database}.{schema}."{table}"')
        tables[f"{schema}.{table}"] = Rows([column[0] for column in read.description or ()], Counter(read.fetchall()))
    return tables


def rows_of_file(path: Path) -> dict[str, Rows]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return rows_of(connection, path.stem)


def assert_same_tables(expected: Mapping[str, Rows], found: Mapping[str, Rows]) -> None:
    """Row by row; money as decimals, exact to the last digit."""
    assert sorted(found) == sorted(expected)
    assert len(expected) > 20
    assert sum(rows.rows.total() for rows in expected.values()) > 1_000
    for name, table in expected.items():
        assert list(found[name].columns) == list(table.columns), name
        missing, more = table.rows - found[name].rows, found[name].rows - table.rows
        assert not missing and not more, (
            f"{name}: {missing.total()} rows are missing, such as {next(iter(missing), None)}; "
            f"{more.total()} are too many, such as {next(iter(more), None)}"
        )
