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
from pipelines.warehouse import RAW_SCHEMA, Warehouse
from pipelines.xledger.asking import Access
from pipelines.xledger.client import Traffic
from pipelines.xledger.errors import LedgerChanged, PayrollStop, XledgerError
from pipelines.xledger.reading import LedgerReader
from pipelines.xledger.settings import Settings
from pipelines.xledger.source import as_table, xledger
from pipelines.xledger.workbench import workbench

_ATTEMPTS = 2


def read_and_load(
    settings: Settings,
    accesses: Sequence[Access],
    warehouse: Warehouse,
    record: RunRecord,
    traffic: Traffic,
    console: Console,
    accept_shrink: bool = False,
) -> None:
    """A full read into a new warehouse file, which takes the old one's place only when all of it is there.

    Raises:
        XledgerError: the warehouse is as it was.
    """
    last_run = LastRun.of(warehouse)
    with warehouse.incoming():
        for attempt in range(1, _ATTEMPTS + 1):
            pipeline = _pipeline(warehouse)
            try:
                with workbench(warehouse.build) as connection:
                    reader = LedgerReader(settings, accesses, connection, warehouse.salt(), console.progress)
                    _extract(pipeline, warehouse, reader, settings, last_run, record, traffic, console)
                    became_payroll = reader.became_payroll()
            except LedgerChanged as changed:
                if attempt == _ATTEMPTS:
                    raise
                console.say(f"{changed} Reading once more.")
                continue
            if not became_payroll:
                break
            console.say(
                f"{became_payroll} rows became payroll while they were read; they are dropped, all is read again."
            )
        else:
            raise PayrollStop(
                "Rows kept becoming payroll while they were read; nothing was kept or published. Run again when payroll "
                "is not being posted."
            )
        if not accept_shrink:
            last_run.refuse_shrinking({name: progress.rows for name, progress in reader.progress.items()})
        with _dlt_step(warehouse):
            pipeline.normalize()
            pipeline.load(raise_on_failed_jobs=True)
        warehouse.take_incoming()


def _extract(
    pipeline: dlt.Pipeline,
    warehouse: Warehouse,
    reader: LedgerReader,
    settings: Settings,
    last_run: LastRun,
    record: RunRecord,
    traffic: Traffic,
    console: Console,
) -> None:
    console.say("Payroll pre-queries")
    reader.prepare()
    last_run.refuse_empty_payroll(reader.fence, settings.no_payroll_expected)
    console.say("Reading")
    source = xledger(reader)
    source.resources.add(dlt.resource(_record(record, reader, traffic), name="run_record"))
    with _dlt_step(warehouse):
        pipeline.extract(source)


def _record(record: RunRecord, reader: LedgerReader, traffic: Traffic) -> Iterator[Any]:
    for name, rows in record.tables(reader, traffic).items():
        yield as_table(name, rows, "append")


def _pipeline(warehouse: Warehouse) -> dlt.Pipeline:
    # A full read owes nothing to what an earlier attempt, or a killed run, left in dlt's folder.
    shutil.rmtree(warehouse.dlt, ignore_errors=True)
    warehouse.dlt.mkdir(mode=0o700)
    return dlt.pipeline(
        "xledger",
        pipelines_dir=str(warehouse.dlt),
        destination=dlt.destinations.duckdb(str(warehouse.incoming_raw)),
        dataset_name=RAW_SCHEMA,
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
