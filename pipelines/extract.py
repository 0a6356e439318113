"""Read and load: from the tokens to the raw tables of the warehouse, through dlt."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt.common.destination import Destination
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials
from dlt.pipeline.exceptions import PipelineStepFailed

from pipelines.console import Console
from pipelines.last_run import LastRun
from pipelines.run_record import FULL, INCREMENTAL, RunRecord
from pipelines.warehouse import RAW_SCHEMA, Warehouse
from pipelines.xledger.asking import Access
from pipelines.xledger.client import Traffic
from pipelines.xledger.errors import FeedsSilent, LedgerChanged, PayrollStop, XledgerError
from pipelines.xledger.kept import Kept
from pipelines.xledger.reading import LedgerReader
from pipelines.xledger.settings import Settings
from pipelines.xledger.source import as_table, xledger
from pipelines.xledger.standing import Standing, made_with
from pipelines.xledger.unfinished import (
    Pages,
    forget_unfinished,
    forgotten_at_payroll_stop,
    recover_unfinished,
    unfinished,
)
from pipelines.xledger.workbench import on_all_cores, workbench

# The first read, and what changed meanwhile, twice.
_PASSES = 3
# Of the file that is loaded into, whose connection is dlt's; the workbench has its own.
_LOADING_MEMORY = "300MB"


@dataclass(frozen=True)
class Plan:
    """How to read: all of it, or, standing on the file ``on``, what changed since. ``told`` says why, in one sentence."""

    mode: str
    on: Path | None
    told: str


def plan_read(
    settings: Settings, accesses: Sequence[Access], warehouse: Warehouse, *, everything: bool = False
) -> Plan:
    """Whether the present warehouse can be brought up to date, after the preflight; ``everything`` asks for a full read."""
    begun = None if everything else recover_unfinished(warehouse.build)
    if begun is not None and standing_of(unfinished(warehouse.build), settings, accesses)[1] is None:
        told = f"Going on with the read that was cut off; it began at {begun.noted_at:%Y-%m-%d %H:%M} UTC"
        return Plan(FULL, unfinished(warehouse.build), told)
    forget_unfinished(warehouse.build)
    if everything:
        return Plan(FULL, None, "Reading everything, as asked")
    standing, why_full = standing_of(warehouse.raw, settings, accesses)
    if standing is None:
        return Plan(FULL, None, "Reading everything: there is no earlier read to go on from")
    if why_full is not None:
        return Plan(FULL, None, f"Reading everything: {why_full}")
    return Plan(INCREMENTAL, warehouse.raw, f"Reading what changed since {standing.noted_at:%Y-%m-%d %H:%M} UTC")


def standing_of(path: Path, settings: Settings, accesses: Sequence[Access]) -> tuple[Standing | None, str | None]:
    """Where the read in a warehouse file stood, and why nothing can stand on it, if nothing can."""
    standing = Standing.of(path)
    if standing is None:
        return None, None
    return standing, standing.why_full(made_with(settings, accesses), accesses[0].client.traffic.server_time)


def read_and_load(
    settings: Settings,
    accesses: Sequence[Access],
    warehouse: Warehouse,
    record: RunRecord,
    traffic: Traffic,
    console: Console,
    plan: Plan,
    accept_shrink: bool = False,
) -> None:
    """Read as planned into a new warehouse file, which takes the old one's place only when all of it is there.

    A read that the ledger changed under, or in which rows became payroll, is brought up to date before it is taken.

    Raises:
        XledgerError: the warehouse is as it was.
    """
    try:
        _read_in_passes(settings, accesses, warehouse, record, traffic, console, plan, accept_shrink)
    except FeedsSilent as silent:
        forget_unfinished(warehouse.build)
        everything = Plan(FULL, None, f"Reading everything. {silent}")
        record = replace(record, mode=FULL)
        _read_in_passes(settings, accesses, warehouse, record, traffic, console, everything, accept_shrink)


def _read_in_passes(
    settings: Settings,
    accesses: Sequence[Access],
    warehouse: Warehouse,
    record: RunRecord,
    traffic: Traffic,
    console: Console,
    plan: Plan,
    accept_shrink: bool,
) -> None:
    last_run = LastRun.of(warehouse)
    console.say(plan.told)
    on = plan.on
    pages = Pages(warehouse.build) if plan.mode == FULL else None
    with warehouse.incoming(), forgotten_at_payroll_stop(warehouse.build), ThreadPoolExecutor(1) as copying:
        for last_pass in (False,) * (_PASSES - 1) + (True,):
            pipeline = _pipeline(warehouse)
            with workbench(warehouse.build, is_file=pages is not None) as connection:
                kept = None if on is None else Kept.of(connection, on)
                copied = None if on is None else copying.submit(warehouse.copy_for_incoming, on)
                reader = LedgerReader(settings, accesses, connection, warehouse.salt(), console.progress, kept, pages)
                _extract(pipeline, reader, warehouse, settings, last_run, record, traffic, console)
                missing, became_payroll = reader.missing(), reader.became_payroll()
                is_settled = not (missing or became_payroll)
                if last_pass and not is_settled:
                    raise _unsettled(missing, became_payroll)
                if is_settled and not accept_shrink:
                    last_run.refuse_shrinking(reader.rows(whole=True))
                if is_settled or reader.can_be_followed:
                    with on_all_cores(connection):
                        _load(pipeline, reader, warehouse, copied)
            if is_settled:
                break
            console.say(_unsettled_told(missing, became_payroll))
            on, pages = (warehouse.set_incoming_aside() if reader.can_be_followed else None), None
        warehouse.take_incoming()
    forget_unfinished(warehouse.build)


def _load(pipeline: dlt.Pipeline, reader: LedgerReader, warehouse: Warehouse, copied: Future[Path] | None) -> None:
    """Fill the new warehouse file. It begins as the copy of the file that the read stands on, unless a row of that has to go."""
    begins_with = None if copied is None or reader.loses_rows() else copied.result()
    warehouse.begin_incoming(begins_with)
    if begins_with is not None:
        reader.make_room(warehouse.incoming_raw)
    with _dlt_step(warehouse):
        load_extracted(pipeline, warehouse.incoming_raw)
    reader.finish(warehouse.incoming_raw, is_copy=begins_with is not None)


def load_extracted(pipeline: dlt.Pipeline, file: Path) -> None:
    """Load what was extracted into a DuckDB file. dlt opens it for each of its steps; while it is open here, that takes no time."""
    with duckdb.connect(str(file)):
        pipeline.normalize()
        pipeline.load(raise_on_failed_jobs=True)


def _unsettled_told(missing: int, became_payroll: int) -> str:
    if became_payroll:
        return (
            f"{became_payroll} rows became payroll while they were read; they are dropped, what changed is read again."
        )
    return f"{missing} rows changed under the read; what changed is read again."


def _unsettled(missing: int, became_payroll: int) -> XledgerError:
    if became_payroll:
        return PayrollStop(
            "Rows kept becoming payroll while they were read; nothing was kept or published. Run again when payroll "
            "is not being posted."
        )
    return LedgerChanged(
        f"{missing} rows that the pre-queries saw did not come, or came unasked, so the ledger keeps changing or the API "
        "leaves rows out. Nothing was published; run again."
    )


def _extract(
    pipeline: dlt.Pipeline,
    reader: LedgerReader,
    warehouse: Warehouse,
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


def _destination(warehouse: Warehouse) -> Destination[Any, Any]:
    credentials = DuckDbCredentials(str(warehouse.incoming_raw))
    credentials.global_config = {"memory_limit": _LOADING_MEMORY}
    return dlt.destinations.duckdb(credentials)


def _pipeline(warehouse: Warehouse) -> dlt.Pipeline:
    # A read owes nothing to what an earlier pass, or a killed run, left in dlt's folder.
    shutil.rmtree(warehouse.dlt, ignore_errors=True)
    warehouse.dlt.mkdir(mode=0o700)
    return dlt.pipeline(
        "xledger",
        pipelines_dir=str(warehouse.dlt),
        destination=_destination(warehouse),
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
