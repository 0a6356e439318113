"""Tables of another engine, written into a DuckDB file with the types and comments they have there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

# Two of DuckDB's row groups. Groups that are left half full, as two threads leave them too, take more time and disk.
_ROWS_AT_ONCE = 2 * 122_880
_MEMORY = "300MB"
_WIDE_DECIMAL = re.compile(r"(?i)(?:decimal|numeric)\((?:19|[23]\d), *(?P<scale>\d)\)")


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
    with duckdb.connect(str(path), config={"memory_limit": _MEMORY, "threads": 1}) as connection:
        for table in tables:
            _write(connection, table)


def _write(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    name = f"{_quoted(table.schema)}.{_quoted(table.name)}"
    columns = ", ".join(f"{_quoted(column.name)} {column.kind}" for column in table.columns)
    connection.execute(f"create schema if not exists {_quoted(table.schema)}; create table {name} ({columns})")
    cast = ", ".join(map(_cast, table.columns))
    for rows in _in_parts(table.rows):
        connection.register("arriving", rows)
        connection.execute(f"insert into {name} select {cast} from arriving")
        connection.unregister("arriving")
    if table.comment:
        connection.execute(f"comment on table {name} is {_literal(table.comment)}")
    for column in table.columns:
        if column.comment:
            connection.execute(f"comment on column {name}.{_quoted(column.name)} is {_literal(column.comment)}")


def _cast(column: Column) -> str:
    """To its type: money can arrive as text, to stay exact. DuckDB reads up to 18 digits two hundred times as fast as more."""
    name = _quoted(column.name)
    cast = f"cast({name} as {column.kind})"
    if wide := _WIDE_DECIMAL.fullmatch(column.kind):
        return f"cast(coalesce(try_cast({name} as decimal(18, {wide['scale']})), {cast}) as {column.kind})"
    return cast


def _in_parts(rows: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Some rows at a time: a reader that DuckDB is handed as it is, is read ahead to its end, all of it in memory."""
    held = rows.schema.empty_table()
    for batch in rows:
        held = pa.concat_tables([held, pa.Table.from_batches([batch])])
        while held.num_rows >= _ROWS_AT_ONCE:
            yield held.slice(0, _ROWS_AT_ONCE)
            held = held.slice(_ROWS_AT_ONCE)
    if held.num_rows:
        yield held


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
