"""The dlt source: seventeen raw tables. Registers are replaced as a whole; so are the ledgers where all of them is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.libs.pyarrow import py_arrow_to_table_schema_columns
from dlt.common.schema.typing import TColumnSchema, TWriteDisposition
from dlt.extract import DltResource

from pipelines.xledger.kept import TAKEN_OVER
from pipelines.xledger.payroll import AP_TRANSACTIONS, TRANSACTIONS
from pipelines.xledger.reading import LedgerReader, Tables
from pipelines.xledger.tables import TABLES

# Two of the largest pages; no more, as they are held in memory.
_ROWS_AT_ONCE = 20_000


@dlt.source(name="xledger", schema_contract={"tables": "evolve", "columns": "evolve", "data_type": "freeze"})
def xledger(reader: LedgerReader) -> Iterable[DltResource]:
    """All entities, read by ``reader`` after `reader.prepare()`; the resources run one after the other, in this order."""
    came: set[str] = set()
    return (
        dlt.resource(_hinted(reader, reader.ledger(TRANSACTIONS), came), name="transactions"),
        dlt.resource(_hinted(reader, reader.ledger(AP_TRANSACTIONS), came), name="ap_transactions"),
        dlt.resource(_hinted(reader, reader.registers(), came), name="registers"),
        dlt.resource(_hinted(reader, reader.recent(), came), name="recent_transactions"),
        dlt.resource(_without_rows(reader, came), name="tables_without_rows"),
    )


def _hinted(reader: LedgerReader, read: Iterator[Tables], came: set[str]) -> Iterator[Any]:
    for name, rows in _gathered(read):
        if rows.num_rows and name in TABLES:
            came.add(name)
            yield _item(reader, name, rows)


def _gathered(read: Iterator[Tables]) -> Iterator[tuple[str, pa.Table]]:
    """The rows of several pages as one item: dlt looks its settings up anew for each, which takes as long as writing the rows."""
    waiting: dict[str, list[pa.Table]] = {}
    for tables in read:
        for name, rows in tables.items():
            parts = waiting.setdefault(name, [])
            parts.append(rows)
            if sum(part.num_rows for part in parts) >= _ROWS_AT_ONCE:
                yield name, pa.concat_tables(waiting.pop(name))
    for name, parts in waiting.items():
        yield name, pa.concat_tables(parts)


def _without_rows(reader: LedgerReader, came: set[str]) -> Iterator[Any]:
    """Every raw table that nothing came for, so that it exists, or is emptied."""
    for table in TABLES.values():
        if table.name not in came and not reader.is_as_it_was(table.name):
            yield _item(reader, table.name, table.arrow_schema.empty_table())


def _item(reader: LedgerReader, name: str, rows: pa.Table) -> Any:
    # Rows of the last read that stay lie in the file already, or are copied into it.
    stays = reader.stands_on_a_last_read and name in TAKEN_OVER
    return as_table(name, rows, "append" if stays else "replace")


def as_table(name: str, rows: pa.Table, write_disposition: TWriteDisposition) -> Any:
    """Arrow rows for one raw table, as dlt takes them. Times are UTC without a zone, which dlt has to be told."""
    times: dict[str, TColumnSchema] = {
        field.name: {"data_type": "timestamp", "timezone": False}
        for field in rows.schema
        if pa.types.is_timestamp(field.type)
    }
    hints = dlt.mark.make_hints(
        table_name=name, write_disposition=write_disposition, file_format="parquet", columns=times
    )
    return dlt.mark.with_hints(rows, hints, create_table_variant=True)


def without_rows(name: str, columns: pa.Schema) -> Any:
    """A table that exists there although nothing comes for it: not every engine takes a file without rows."""
    declared = py_arrow_to_table_schema_columns(columns)
    for column in declared.values():
        if column["data_type"] == "timestamp":
            column["timezone"] = False
    hints = dlt.mark.make_hints(table_name=name, write_disposition="append", columns=declared)
    return dlt.mark.with_hints(dlt.mark.materialize_table_schema(), hints, create_table_variant=True)
