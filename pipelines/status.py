"""`make status`: the last runs, how old the published data are, what the last run changed, when the next one comes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import duckdb

from pipelines.alerts import AlertSettings, alert, read_alert_settings
from pipelines.budget import Budget, Cost
from pipelines.check import no_token
from pipelines.companies import run_each
from pipelines.conducted import end_with_the_conductor
from pipelines.console import Console
from pipelines.exits import outcome_of
from pipelines.note_changes import note_changes
from pipelines.run_journal import JournalEntry, read_journal
from pipelines.timers import next_run
from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import XledgerError
from pipelines.xledger.settings import Settings, data_folder, read_settings

_RUNS_SHOWN = 10
_DAY = timedelta(days=1)


class DataTooOld(XledgerError):
    """The published data are older than the threshold, or there are none."""


@dataclass(frozen=True)
class Published:
    """What the published file says of itself: time of the data (UTC), and rows by raw table, now and one run before."""

    landed_at: datetime
    rows: Sequence[tuple[str, int, int | None]]


def main() -> int:
    parser = argparse.ArgumentParser(description="Show the last runs and how old the data are.")
    parser.add_argument(
        "--alert", action="store_true", help="fail, and call webhook and command, when the data are too old"
    )
    arguments = parser.parse_args()
    end_with_the_conductor()
    console = Console()
    outcome = outcome_of(partial(run, console, is_watch=arguments.alert))
    if outcome.exit_code:
        console.fail(outcome.sentence, outcome.exit_code)
    if outcome.exit_code and arguments.alert:
        alert("data_too_old", None, outcome, console)
    return outcome.exit_code


def run(console: Console, *, is_watch: bool) -> None:
    """Say how things stand, of companies that are kept apart one by one.

    For a watch, a missing token and old data are errors; it also notes what changed since.
    """
    alerts = read_alert_settings()
    settings = read_settings()
    if is_watch and not settings.tokens:
        raise no_token()
    if settings.is_for_each_company:
        run_each("pipelines.status", sys.argv[1:], settings, console, at_once=1)
        return
    warehouse = Warehouse(data_folder(settings))
    now = datetime.now(UTC)
    published = read_published(warehouse)
    runs = read_journal(warehouse.data_dir)
    console.say(f"Data folder: {warehouse.data_dir}")
    too_old = freshness(published, alerts, now)
    console.say(too_old or fresh(published, now))
    for line in [*_told_runs(runs), *_told_changes(runs), *_told_rows(published)]:
        console.say(line)
    console.say(Budget.of(settings, runs).told())
    console.say(_told_next(next_run()))
    if is_watch and too_old:
        raise DataTooOld(too_old)
    if is_watch:
        _note_changes(settings, warehouse, console)
    if settings.company:
        # The table of all companies shows the last line of each.
        console.say(too_old or fresh(published, now))


def _note_changes(settings: Settings, warehouse: Warehouse, console: Console) -> None:
    try:
        note_changes(settings, warehouse, console)
    except XledgerError as error:
        console.say(f"What changed since the last run could not be noted: {error}")


def read_published(warehouse: Warehouse) -> Published | None:
    """Age and rows of the published file; None where there is none.

    Raises:
        XledgerError: the file cannot be read.
    """
    if not warehouse.published.exists():
        return None
    try:
        with duckdb.connect(str(warehouse.published), read_only=True) as connection:
            # A run of a day when the clock was ahead counts only where there is no other.
            (landed_at,) = connection.execute(
                "select coalesce(max(landed_at) filter (where landed_at <= $now), max(landed_at)) from audit.sync_runs",
                {"now": datetime.now(UTC).replace(tzinfo=None) + _DAY},
            ).fetchall()[0]
            rows = connection.execute(_ROWS_NOW_AND_BEFORE).fetchall()
    except duckdb.Error as error:
        raise XledgerError(
            f"{warehouse.published} cannot be read ({type(error).__name__}); run `make sync` to publish it anew."
        ) from None
    return Published(landed_at.replace(tzinfo=UTC), rows) if landed_at else None


# The run before is the last one of the same mode: rows of a full and of an incremental read do not compare.
_ROWS_NOW_AND_BEFORE = """
    with
    last_run as (select run_id, mode, landed_at from audit.sync_runs order by landed_at desc limit 1),
    run_before as (
        select runs.run_id from audit.sync_runs as runs
        inner join last_run on runs.mode = last_run.mode and runs.landed_at < last_run.landed_at
        order by runs.landed_at desc limit 1
    )
    select now_read.table_name, now_read.rows_landed, before_read.rows_landed
    from audit.sync_run_entities as now_read
    left join audit.sync_run_entities as before_read
        on now_read.table_name = before_read.table_name and before_read.run_id = (select run_id from run_before)
    where now_read.run_id = (select run_id from last_run)
    order by now_read.table_name
"""


def freshness(published: Published | None, alerts: AlertSettings, now: datetime) -> str:
    """What is wrong with the age of the data; empty when nothing is."""
    if published is None:
        return "Nothing has been published yet; run `make sync`."
    if published.landed_at - now > _DAY:
        return (
            f"The published data are dated {_days(published.landed_at - now)} in the future, so the clock was wrong then or is "
            "now; set it right, then run `make sync`."
        )
    if now - published.landed_at > alerts.max_age_days * _DAY:
        return (
            f"The published data are {_age(published, now)} old, more than {alerts.max_age_days:g} days; run `make sync`, "
            "and see that the schedule runs."
        )
    return ""


def fresh(published: Published | None, now: datetime) -> str:
    """How old the data are, for a person."""
    return f"Data of {published.landed_at:%Y-%m-%d %H:%M} UTC, {_age(published, now)} old" if published else ""


def _age(published: Published, now: datetime) -> str:
    return _days(now - published.landed_at)


def _days(time: timedelta) -> str:
    return f"{time / _DAY:.1f} days"


def _told_runs(runs: Sequence[JournalEntry]) -> Iterator[str]:
    if not runs:
        return
    yield "Last runs:"
    for run in reversed(runs[-_RUNS_SHOWN:]):
        cost = Cost.of(run)
        yield (
            f"  {run.started:%Y-%m-%d %H:%M} UTC  {run.mode:<11}  {_told_end(run):<24}  {cost.requests:>6,} requests"
            f"  {cost.bytes / 1e6:>9,.1f} MB  {run.run_id}"
        )
        if run.sentence:
            yield f"    {run.sentence}"


def _told_end(run: JournalEntry) -> str:
    if run.ended_at is None:
        return "killed, or still running"
    seconds = (datetime.fromisoformat(run.ended_at) - run.started).total_seconds()
    return f"{'done' if run.exit_code == 0 else f'failed ({run.exit_code})'} in {seconds / 60:.1f} min"


def _told_changes(runs: Sequence[JournalEntry]) -> Iterator[str]:
    """What the last published run changed, from its journal entry."""
    figures = next((run.published for run in reversed(runs) if run.published and run.exit_code == 0), None)
    if figures is None:
        return
    yield "The last published run:"
    for what in ("lines", "suppliers"):
        yield f"  {what}: {figures[what]:,}{_told_counts(figures, what)}"
    spend, before = figures.get("spend", {}), figures.get("spend_before")
    for currency in sorted(spend.keys() | (before or {}).keys()):
        amount = Decimal(spend.get(currency, 0))
        change = "" if before is None else f" ({amount - Decimal(before.get(currency, 0)):+,.2f})"
        yield f"  spend in {currency}: {amount:,.2f}{change}"
    if figures.get("received_gone"):
        yield (
            f"  {figures['received_gone']:,} rows that were received are gone: deleted in Xledger, or payroll by now. No sums "
            "are kept, because the difference would tell their amounts."
        )
    if figures.get("not_comparable"):
        yield "  The file before it had other columns, so what changed is not known."


def _told_counts(figures: Mapping[str, Any], what: str) -> str:
    if f"{what}_new" not in figures:
        return ""
    return " (" + ", ".join(f"{figures[f'{what}_{how}']:,} {how}" for how in ("new", "changed", "gone")) + ")"


def _told_rows(published: Published | None) -> Iterator[str]:
    if published is None:
        return
    yield "Rows by raw table, with the difference to the run before:"
    for table, rows, before in published.rows:
        yield f"  {table:<20} {rows:>12,}" + ("" if before is None else f" {rows - before:>+12,}")


def _told_next(moment: datetime | None) -> str:
    if moment is None:
        return "Next run: no timer is known on this machine; `make schedule` makes one."
    return f"Next run: {moment:%Y-%m-%d %H:%M} UTC"


if __name__ == "__main__":
    sys.exit(main())
