"""The raw tables of the finished warehouse file, shipped to another engine by dlt, batch by batch."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from typing import Any

import dlt
import duckdb
import pyarrow as pa
from dlt.common.destination import Destination
from dlt.extract import DltResource
from dlt.pipeline.exceptions import PipelineStepFailed

from pipelines.targets.target import INCOMING
from pipelines.warehouse import RAW_SCHEMA, Warehouse
from pipelines.xledger.errors import XledgerError
from pipelines.xledger.source import as_table, without_rows

_MEMORY = "300MB"
_ROWS_AT_ONCE = 50_000
# Each takes a whole file into memory and two of the server's connections, of which dlt would take forty.
_FILES_AT_ONCE = 2


def ship(
    warehouse: Warehouse, destination: Destination[Any, Any], dataset: str = INCOMING, *, as_files: bool = False
) -> None:
    """Load every raw table into ``dataset``, which is new. Of the fence's own schema nothing leaves this machine.

    ``as_files``: what lies there are files and nothing else, so a table without rows has one, too.

    Raises:
        XledgerError: the engine did not take all of it.
    """
    # What an earlier or killed run left in dlt's folder is a copy of the ledger.
    shutil.rmtree(warehouse.dlt, ignore_errors=True)
    warehouse.dlt.mkdir(mode=0o700)
    pipeline = dlt.pipeline("shipping", pipelines_dir=str(warehouse.dlt), destination=destination, dataset_name=dataset)
    with duckdb.connect(str(warehouse.raw), read_only=True, config={"memory_limit": _MEMORY}) as connection:
        try:
            pipeline.extract(shipping(connection, as_files))
            pipeline.normalize()
            pipeline.load(workers=_FILES_AT_ONCE, raise_on_failed_jobs=True)
        except PipelineStepFailed as failed:
            raise XledgerError(
                f"The raw tables could not be shipped to the target: dlt's step {failed.step} failed "
                f"({type(failed.exception).__name__}); nothing was published. See that the target has room and stays "
                "reachable, then run again."
            ) from None


def raw_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The names of the raw tables, without those that the loader keeps for itself."""
    found = connection.execute(
        "select table_name from duckdb_tables() where schema_name = ? and not starts_with(table_name, '_dlt_') order by 1",
        [RAW_SCHEMA],
    ).fetchall()
    return [table for (table,) in found]


@dlt.source(name="shipping", section="shipping", schema_contract={"data_type": "freeze"})
def shipping(connection: duckdb.DuckDBPyConnection, as_files: bool) -> Iterable[DltResource]:
    """How many rows go into one file, and so into memory, stands in `.dlt/config.toml` under `[sources.shipping]`."""
    return (dlt.resource(_tables(connection, as_files), name="raw_tables"),)


def _tables(connection: duckdb.DuckDBPyConnection, as_files: bool) -> Iterator[Any]:
    for table in raw_tables(connection):
        rows = connection.cursor().execute(f'from "{RAW_SCHEMA}"."{table}"').to_arrow_reader(_ROWS_AT_ONCE)
        is_empty = True
        for batch in rows:
            is_empty = False
            yield as_table(table, pa.Table.from_batches([batch]), "append")
        if is_empty:
            empty = rows.schema.empty_table()
            yield as_table(table, empty, "append") if as_files else without_rows(table, empty.schema)
