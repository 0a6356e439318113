"""One whole sync, as a user runs it: time by step, requests and bytes, peak memory of every process."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb

from bench.ledger import Served
from bench.processes import watch


@dataclass(frozen=True)
class Sync:
    """A finished sync. Steps and total in seconds, memory in MiB."""

    seconds: float
    steps: dict[str, float]
    peak_mib: dict[str, float]
    requests: int
    bytes_received: int
    lines_received: int


def whole_sync(sandbox: Served, data_dir: Path) -> Sync:
    """Run `make sync` on the sandbox's ledger."""
    watched = watch([sys.executable, "-m", "pipelines.sync"], sandbox.environment(data_dir))
    pre_queries, reading = watched.printed_at("Payroll pre-queries"), watched.printed_at("Reading")
    dbt = watched.printed_at("Running with dbt")
    # What dbt prints last comes before the file is published.
    published = watched.printed_at("Completed successfully")
    with duckdb.connect(str(data_dir / "spend.duckdb"), read_only=True) as spend:
        requests, received = spend.execute("select requests, bytes_received from audit.sync_runs").fetchall()[-1]
        lines = spend.execute("select count(*) from marts.fct_ledger_line").fetchall()[0][0]
    return Sync(
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
