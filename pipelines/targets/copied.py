"""Tables of another engine, written into a DuckDB file with the types and comments they have there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

_MEMORY = "300MB"


@dataclass(frozen=True)
class Column:
    """``kind`` is the type as DuckDB writes it."""

    name: str
    kind: str
    comment: str | None = None


@dataclass(frozen=True)
class Table:
    """A table as it is to be written; ``rows`` come batch by batch, their columns in the same order."""

    schema: str
    name: str
    comment: str | None
    columns: Sequence[Column]
    rows: pa.RecordBatchReader


def write_copy(path: Path, tables: Iterable[Table]) -> None:
    """Write the tables into the file, one after the other; it did not exist before."""
    with duckdb.connect(str(path), config={"memory_limit": _MEMORY}) as connection:
        for table in tables:
            _write(connection, table)


def _write(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    name = f"{_quoted(table.schema)}.{_quoted(table.name)}"
    columns = ", ".join(f"{_quoted(column.name)} {column.kind}" for column in table.columns)
    connection.execute(f"create schema if not exists {_quoted(table.schema)}; create table {name} ({columns})")
    connection.register("arriving", table.rows)
    # The types are cast one by one: money can arrive as text, to stay exact.
    cast = ", ".join(f"cast({_quoted(column.name)} as {column.kind})" for column in table.columns)
    connection.execute(f"insert into {name} select {cast} from arriving")
    connection.unregister("arriving")
    if table.comment:
        connection.execute(f"comment on table {name} is {_literal(table.comment)}")
    for column in table.columns:
        if column.comment:
            connection.execute(f"comment on column {name}.{_quoted(column.name)} is {_literal(column.comment)}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
