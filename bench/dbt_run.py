"""dbt's models without tests, beside the SQL that dbt compiled, run as one script."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from bench.processes import ROOT, clean_environment, watch

_BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class DbtRun:
    """Seconds; ``start`` is dbt with nothing to build."""

    start: float
    models: float
    script: float
    peak_mib: float


def dbt_run(data_dir: Path, folder: Path) -> DbtRun:
    """Build the models of a finished sync once more, both ways, on copies of its files."""
    copy = folder / "dbt-data"
    shutil.rmtree(copy, ignore_errors=True)
    (copy / "build").mkdir(parents=True)
    for name in ("warehouse.duckdb", "spend.duckdb"):
        shutil.copy(data_dir / "build" / name, copy / "build" / name)
    environment = clean_environment(
        DATA_DIR=str(copy),
        DBT_TARGET_PATH=str(copy / "target"),
        DBT_LOG_PATH=str(copy / "logs"),
        DBT_PROFILES_DIR=str(ROOT / "profiles"),
        DBT_PROJECT_DIR=str(ROOT / "dbt_project"),
        DBT_SEND_ANONYMOUS_USAGE_STATS="false",
    )
    dbt = [str(_BIN / "dbt"), "run", "--full-refresh", "--no-use-colors"]
    start = watch([*dbt, "--select", "tag:none"], environment).seconds
    models = watch(dbt, environment)
    return DbtRun(start, models.seconds, _script(copy), max(models.peak_mib.values()))


def _script(copy: Path) -> float:
    """The compiled models in dbt's order, on one connection."""
    statements = list(_statements(copy / "target"))
    spend = copy / "build" / "spend.duckdb"
    begun = time.monotonic()
    with duckdb.connect(
        str(copy / "build" / "warehouse.duckdb"), config={"threads": os.cpu_count() or 1}
    ) as connection:
        connection.execute(f"attach '{spend}' as spend")
        for statement in statements:
            connection.execute(statement)
    return time.monotonic() - begun


def _statements(target: Path) -> Any:
    nodes = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    for result in sorted(results, key=lambda result: str(result["timing"][-1]["completed_at"])):
        if not result["unique_id"].startswith("model."):
            continue
        kind = nodes[result["unique_id"]]["config"]["materialized"]
        if kind in ("view", "table", "incremental"):
            made = "view" if kind == "view" else "table"
            yield f"create or replace {made} {result['relation_name']} as {result['compiled_code']}"
        elif kind != "ephemeral":
            raise RuntimeError(f"{result['unique_id']} is {kind}, which the script cannot make")
