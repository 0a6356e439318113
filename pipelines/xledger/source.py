"""The dlt source: seventeen raw tables, each replaced as a whole by a full read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import dlt
import pyarrow as pa
from dlt.extract import DltResource

from pipelines.xledger.payroll import AP_TRANSACTIONS, TRANSACTIONS
from pipelines.xledger.reading import LedgerReader, Tables
from pipelines.xledger.tables import TABLES


@dlt.source(name="xledger", schema_contract={"tables": "evolve", "columns": "evolve", "data_type": "freeze"})
def xledger(reader: LedgerReader) -> Iterable[DltResource]:
    """All entities, read by ``reader`` after `reader.prepare()`; the resources run one after the other, in this order."""
    return (
        dlt.resource(_declared(), name="declared_tables"),
        dlt.resource(_hinted(reader.ledger(TRANSACTIONS)), name="transactions"),
        dlt.resource(_hinted(reader.ledger(AP_TRANSACTIONS)), name="ap_transactions"),
        dlt.resource(_hinted(reader.registers()), name="registers"),
        dlt.resource(_hinted(reader.recent()), name="recent_transactions"),
    )


def _declared() -> Iterator[Any]:
    """Every raw table once with no rows, so that it exists, and is emptied, even when nothing comes for it."""
    for table in TABLES.values():
        yield _item(table.name, table.arrow_schema.empty_table())


def _hinted(read: Iterator[Tables]) -> Iterator[Any]:
    for tables in read:
        for name, rows in tables.items():
            if rows.num_rows and name in TABLES:
                yield _item(name, rows)


def _item(name: str, rows: pa.Table) -> Any:
    hints = dlt.mark.make_hints(table_name=name, write_disposition="replace", file_format="parquet")
    return dlt.mark.with_hints(rows, hints, create_table_variant=True)
