"""Whole syncs, as a user runs them: time by step, requests and bytes, peak memory of every process."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from bench.ledger import Served
from bench.processes import watch

_CHANGES_AT_ONCE = 50


@dataclass(frozen=True)
class Sync:
    """A finished sync. Steps and total in seconds, memory in MiB; ``mode`` is full or incremental."""

    mode: str
    seconds: float
    steps: dict[str, float]
    peak_mib: dict[str, float]
    requests: int
    bytes_received: int
    lines_received: int


def whole_sync(sandbox: Served, data_dir: Path, *, is_paced: bool = False) -> Sync:
    """Run `make sync` on the sandbox's ledger: at the pace of Xledger's burst limit, or without one, for its memory as well."""
    environment = sandbox.environment(data_dir, is_paced=is_paced)
    watched = watch([sys.executable, "-m", "pipelines.sync"], environment, looks_at_memory=not is_paced)
    # A sentence before says how it reads, so the step begins with the bare word.
    pre_queries, reading = watched.printed_at("Payroll pre-queries"), watched.printed("Reading")
    dbt = watched.printed_at("Running with dbt")
    # What dbt prints last comes before the file is published.
    published = watched.printed_at("Completed successfully")
    with duckdb.connect(str(data_dir / "spend.duckdb"), read_only=True) as spend:
        mode, requests, received = spend.execute(
            "select mode, requests, bytes_received from audit.sync_runs order by landed_at desc limit 1"
        ).fetchall()[0]
        lines = spend.execute("select count(*) from marts.fct_ledger_line").fetchall()[0][0]
    return Sync(
        mode=mode,
        seconds=watched.seconds,
        steps={
            "start and check": pre_queries,
            "payroll pre-queries": reading - pre_queries,
            "reading, landing and loading": dbt - reading,
            "dbt build with tests": published - dbt,
            "publishing": watched.seconds - published,
        },
        peak_mib=watched.peak_mib,
        requests=requests,
        bytes_received=received,
        lines_received=lines,
    )


def change_lines(sandbox: Served, data_dir: Path, most_lines: int) -> int:
    """Give so many lines of a synced ledger another text, whole vouchers at a time; gives how many."""
    with duckdb.connect(str(data_dir / "build" / "warehouse.duckdb"), read_only=True) as warehouse:
        vouchers = warehouse.execute(
            """
            with vouchers as (
                select header_db_id, list(db_id) as lines from raw_xledger.transaction group by header_db_id
            )
            select header_db_id, lines from vouchers
            qualify sum(len(lines)) over (order by header_db_id desc) <= ? order by header_db_id
            """,
            [most_lines],
        ).fetchall()
    changes: list[dict[str, Any]] = [
        {"change": {"header": header, "lines": [{"line": line, "text": "Changed"} for line in lines]}}
        for header, lines in vouchers
    ]
    for start in range(0, len(changes), _CHANGES_AT_ONCE):
        sandbox.mutate(*changes[start : start + _CHANGES_AT_ONCE])
    return sum(len(lines) for _, lines in vouchers)
