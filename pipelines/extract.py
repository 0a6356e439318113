"""Read and load: from the tokens to the raw tables of the warehouse, through dlt."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dlt
from dlt.pipeline.exceptions import PipelineStepFailed

from pipelines.console import Console
from pipelines.last_run import LastRun
from pipelines.run_record import RunRecord
from pipelines.warehouse import Warehouse
from pipelines.xledger.asking import Access
from pipelines.xledger.client import Traffic
from pipelines.xledger.errors import XledgerError
from pipelines.xledger.reading import LedgerReader
from pipelines.xledger.settings import Settings
from pipelines.xledger.source import xledger
from pipelines.xledger.workbench import workbench

RAW_DATASET = "raw_xledger"


def read_and_load(
    settings: Settings,
    accesses: Sequence[Access],
    warehouse: Warehouse,
    record: RunRecord,
    traffic: Traffic,
    console: Console,
    accept_shrink: bool = False,
) -> None:
    """A full read, committed to the raw tables only when all of it is there.

    Raises:
        XledgerError: nothing was committed.
    """
    with workbench(warehouse.build) as connection:
        reader = LedgerReader(settings, accesses, connection, warehouse.salt(), console.progress)
        console.say("Payroll pre-queries")
        last_run = LastRun.of(warehouse)
        reader.prepare()
        last_run.refuse_empty_payroll(reader.fence, settings.no_payroll_expected)
        console.say("Reading")
        source = xledger(reader)
        source.resources.add(dlt.resource(_record(record, reader, traffic), name="run_record"))
        pipeline = _pipeline(warehouse)
        with _dlt_step(warehouse):
            pipeline.extract(source)
        if not accept_shrink:
            last_run.refuse_shrinking({name: progress.rows for name, progress in reader.progress.items()})
        with _dlt_step(warehouse):
            pipeline.normalize()
            pipeline.load(raise_on_failed_jobs=True)


def _record(record: RunRecord, reader: LedgerReader, traffic: Traffic) -> Iterator[Any]:
    for name, rows in record.tables(reader, traffic).items():
        hints = dlt.mark.make_hints(table_name=name, write_disposition="append", file_format="parquet")
        yield dlt.mark.with_hints(rows, hints, create_table_variant=True)


def _pipeline(warehouse: Warehouse) -> dlt.Pipeline:
    # A killed run may have left a package behind; a full read owes it nothing.
    shutil.rmtree(warehouse.dlt, ignore_errors=True)
    warehouse.dlt.mkdir(mode=0o700)
    return dlt.pipeline(
        "xledger",
        pipelines_dir=str(warehouse.dlt),
        destination=dlt.destinations.duckdb(str(warehouse.raw)),
        dataset_name=RAW_DATASET,
    )


@contextmanager
def _dlt_step(warehouse: Warehouse) -> Iterator[None]:
    """Give back our own errors from inside dlt's, and one sentence for the rest."""
    try:
        yield
    except PipelineStepFailed as failed:
        cause = _ours(failed)
        if cause is not None:
            raise cause from None
        raise XledgerError(
            f"Loading into the warehouse failed in dlt's step {failed.step} ({type(failed.exception).__name__}); see "
            f"that the disk has room and {warehouse.build} can be written, then run again."
        ) from None


def _ours(error: BaseException | None) -> XledgerError | None:
    while error is not None:
        if isinstance(error, XledgerError):
            return error
        error = error.__cause__ or error.__context__
    return None
