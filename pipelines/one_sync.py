"""One sync: check, payroll pre-queries, extract, land, dbt build, publish, summary."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from contextlib import ExitStack

import duckdb

from pipelines import dbt_build
from pipelines.alerts import read_alert_settings
from pipelines.budget import Budget
from pipelines.check import no_token, preflight
from pipelines.companies import run_each
from pipelines.comparison import compare
from pipelines.console import Console
from pipelines.extract import plan_read, read_and_load
from pipelines.local_xledger import sandbox
from pipelines.lock import exclusive
from pipelines.run_journal import journaled, read_journal
from pipelines.run_record import FULL, RunRecord
from pipelines.targets.chosen import chosen_target
from pipelines.warehouse import Warehouse
from pipelines.withdrawal import withdraw
from pipelines.xledger.client import Traffic
from pipelines.xledger.settings import data_folder, read_settings

_SANDBOX_NOTICE = "No token is set: this run uses the sandbox, a made-up company on this machine; its data go to"


def run(run_id: str, console: Console, arguments: argparse.Namespace, dbt: subprocess.Popen[str]) -> None:
    """From top to bottom; of companies that are kept apart, a program for each. ``dbt`` waits for what to build."""
    began = time.monotonic()
    read_alert_settings()
    settings = read_settings()
    target = chosen_target()
    target.refuse_companies_apart(settings)
    if settings.is_for_each_company:
        dbt.kill()
        dbt.wait()
        run_each("pipelines.sync", sys.argv[1:], settings, console)
        return
    uses_sandbox = not settings.tokens
    if uses_sandbox and arguments.require_token:
        raise no_token()
    if uses_sandbox:
        target.refuse_the_sandbox()
    warehouse = Warehouse(data_folder(settings))
    with ExitStack() as stack:
        if uses_sandbox:
            console.say(f"{_SANDBOX_NOTICE} {warehouse.data_dir}")
        warehouse.make_data_dir()
        stack.enter_context(exclusive(warehouse.data_dir))
        warehouse.prepare()
        stack.enter_context(target.held())
        if uses_sandbox:
            settings = stack.enter_context(sandbox(settings))
        build = dbt_build.begin(dbt, warehouse, target, console)
        traffic = Traffic()
        budget = Budget.of(settings, read_journal(warehouse.data_dir))
        budget.limit(traffic)
        entry = stack.enter_context(journaled(warehouse.data_dir, run_id, FULL, traffic))
        accesses = preflight(settings, traffic, console)
        plan = plan_read(settings, accesses, warehouse, everything=arguments.full)
        entry.mode = plan.mode
        budget.refuse_a_read_beyond(plan.mode)
        record = RunRecord(plan.mode, run_id)
        read_and_load(settings, accesses, warehouse, record, traffic, console, plan, arguments.accept_shrink)
        target.land(warehouse, console)
        console.say("Building and testing the marts")
        build.run()
        target.fetch_marts(warehouse)
        entry.published = compare(warehouse.published, warehouse.marts)
        withdraw(warehouse, entry.published, console)
        target.publish(warehouse, entry.published, console)
        warehouse.publish()
    _summarise(warehouse, run_id, traffic, time.monotonic() - began, console)
    if uses_sandbox:
        console.say(
            f"{_SANDBOX_NOTICE} {warehouse.data_dir}. To read your own company, put its token into .dlt/secrets.toml."
        )


def _summarise(warehouse: Warehouse, run_id: str, traffic: Traffic, seconds: float, console: Console) -> None:
    with duckdb.connect(str(warehouse.published), read_only=True) as published:
        row = published.execute("select count(*), count(distinct supplier_id) from marts.fct_spend").fetchone()
    lines, suppliers = row or (0, 0)
    console.say(
        f"Run {run_id}: {traffic.requests} requests ({traffic.needed} needed), "
        f"{traffic.bytes_received / 1e6:,.1f} MB received, "
        f"{traffic.retries} retries, {seconds:,.0f} s",
        "cost",
        requests=traffic.requests,
        requests_needed=traffic.needed,
        bytes_received=traffic.bytes_received,
        bytes_sent=traffic.bytes_sent,
        retries=traffic.retries,
        seconds=round(seconds, 1),
    )
    console.say(
        f"Published {warehouse.published}: {lines:,} spend lines, {suppliers:,} suppliers. Open it read-only in DuckDB.",
        "published",
        spend_lines=lines,
        suppliers=suppliers,
    )
