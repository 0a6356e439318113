"""`make sync`: check, payroll pre-queries, extract, land, dbt build, publish, summary."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from functools import partial

import duckdb

from pipelines import dbt_build
from pipelines.check import preflight
from pipelines.console import Console
from pipelines.exits import exit_code_of
from pipelines.extract import read_and_load
from pipelines.local_xledger import sandbox
from pipelines.lock import exclusive
from pipelines.run_record import RunRecord
from pipelines.warehouse import Warehouse
from pipelines.xledger.client import Traffic
from pipelines.xledger.settings import data_dir, read_settings

_SANDBOX_NOTICE = "No token is set: this run uses the sandbox, a made-up company on this machine; its data go to"


def main() -> int:
    """Run once; the exit code is the design's: 0 done, 1 failed, 2 wrong configuration, 3 a payroll guard stopped it."""
    parser = argparse.ArgumentParser(description="Read Xledger, build the marts, publish them.")
    parser.add_argument(
        "--accept-shrink", action="store_true", help="take a read with far fewer rows than the last one"
    )
    arguments = parser.parse_args()
    return exit_code_of(partial(run, accept_shrink=arguments.accept_shrink))


def run(*, accept_shrink: bool) -> None:
    """One sync, from top to bottom."""
    began = time.monotonic()
    console = Console()
    settings = read_settings()
    uses_sandbox = not settings.tokens
    warehouse = Warehouse(data_dir() / "sandbox" if uses_sandbox else data_dir())
    with ExitStack() as stack:
        if uses_sandbox:
            console.say(f"{_SANDBOX_NOTICE} {warehouse.data_dir}")
        warehouse.make_data_dir()
        stack.enter_context(exclusive(warehouse.data_dir))
        warehouse.prepare()
        if uses_sandbox:
            settings = stack.enter_context(sandbox(settings))
        traffic = Traffic()
        record = RunRecord(mode="full")
        accesses = preflight(settings, traffic, console)
        read_and_load(settings, accesses, warehouse, record, traffic, console, accept_shrink)
        warehouse.clear_marts()
        dbt_build.build(warehouse)
        warehouse.publish()
    _summarise(warehouse, record, traffic, time.monotonic() - began, console)
    if uses_sandbox:
        console.say(
            f"{_SANDBOX_NOTICE} {warehouse.data_dir}. To read your own company, put its token into .dlt/secrets.toml."
        )


def _summarise(warehouse: Warehouse, record: RunRecord, traffic: Traffic, seconds: float, console: Console) -> None:
    with duckdb.connect(str(warehouse.published), read_only=True) as published:
        row = published.execute("select count(*), count(distinct supplier_id) from marts.fct_spend").fetchone()
    lines, suppliers = row or (0, 0)
    console.say(
        f"Run {record.run_id}: {traffic.requests} requests, {traffic.bytes_received / 1e6:,.1f} MB received, "
        f"{traffic.retries} retries, {seconds:,.0f} s"
    )
    console.say(
        f"Published {warehouse.published}: {lines:,} spend lines, {suppliers:,} suppliers. Open it read-only in DuckDB."
    )


if __name__ == "__main__":
    sys.exit(main())
