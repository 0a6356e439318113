"""What two engines built, held against each other: every table of marts and audit, row by row, exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

SCHEMAS = ("marts", "audit")
_SHOWN = 3


@dataclass(frozen=True)
class Rows:
    """A table's rows without their order; a row that stands twice is there twice."""

    columns: tuple[str, ...]
    rows: Counter[tuple[Any, ...]]


Tables = Mapping[str, Rows]


def rows_of(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Rows:
    return Rows(tuple(columns), Counter(tuple(row) for row in rows))


def tables_of(connection: duckdb.DuckDBPyConnection, database: str) -> Tables:
    """Every table of marts and audit in an attached database."""
    names = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ? and schema_name in ? order by all",
        [database, SCHEMAS],
    ).fetchall()

    def read(schema: str, table: str) -> Rows:
        answer = connection.execute(f'from {database}."{schema}"."{table}"')
        return rows_of([column[0] for column in answer.description or ()], answer.fetchall())

    return {f"{schema}.{table}": read(schema, table) for schema, table in names}


def tables_of_duckdb(marts: Path) -> Tables:
    """The same of the file that dbt built, or that was published."""
    with duckdb.connect(str(marts), read_only=True) as connection:
        return tables_of(connection, marts.stem)


def assert_same_tables(actual: Tables, expected: Tables) -> None:
    """Nothing is rounded, cast or left out: 1.50 is 1.5, null is null, and a text is its characters."""
    assert actual.keys() == expected.keys()
    assert sum(table.rows.total() for table in expected.values()) > 1_000
    different = [told for name in expected if (told := _difference(name, actual[name], expected[name]))]
    assert not different, "\n".join(different)


def _difference(name: str, actual: Rows, expected: Rows) -> str | None:
    if actual.columns != expected.columns:
        return f"{name}: columns {actual.columns} instead of {expected.columns}"
    missing, unexpected = expected.rows - actual.rows, actual.rows - expected.rows
    if not missing and not unexpected:
        return None
    by_column = [
        column
        for number, column in enumerate(expected.columns)
        if Counter(row[number] for row in missing.elements()) != Counter(row[number] for row in unexpected.elements())
    ]
    return (
        f"{name}: {missing.total()} of {expected.rows.total()} rows missing, {unexpected.total()} unexpected; columns that "
        f"differ: {by_column}\n  missing    {list(missing)[:_SHOWN]}\n  unexpected {list(unexpected)[:_SHOWN]}"
    )
