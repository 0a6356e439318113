"""Calls dbt's command line; the pipeline never imports dbt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from pipelines.child_environment import without_secrets
from pipelines.console import Console
from pipelines.targets.target import Target
from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import XledgerError

# Unit tests hold the models' code to made-up rows; they belong to `make test`, not to a run.
_WITHOUT_UNIT_TESTS = ("--exclude-resource-type", "unit_test")
# With dbt itself, which takes some 250 MiB, the whole process stays below 1 GiB.
_MOST_MEMORY = 512 * 2**20
# Of dbt's docs page: the icons of its tree of models, and its favicon.
_ASKED_IN_VAIN = {
    '<use xlink:href="{{': '<use ng-attr-href="{{',
    '<link rel="shortcut icon" href="${require(\'./assets/favicons/favicon.ico\')}"/>': '<link rel="icon" href="data:,">',
}
_ROOT = Path(__file__).resolve().parent.parent


def build(warehouse: Warehouse, target: Target, console: Console) -> None:
    """Build and test all models. dbt's own lines are for a person: a structured console gets their sum.

    Raises:
        XledgerError: a model or an error-level test failed; the message names them.
    """
    completed = _dbt(warehouse, target, "build", *_WITHOUT_UNIT_TESTS, quiet=console.is_structured)
    if console.is_structured:
        ended = Counter(str(result["status"]) for result in _results(warehouse))
        console.say(", ".join(f"{count} {status}" for status, count in sorted(ended.items())), "dbt_build", **ended)
    if completed:
        failed = ", ".join(_failed(warehouse)) or "see the lines above"
        raise XledgerError(
            f"dbt build failed ({failed}); nothing was published, the last published file stays. "
            f"The compiled SQL lies in {_target(warehouse)}."
        )


def docs(warehouse: Warehouse, target: Target) -> None:
    """Make the docs site as one static folder, with the lineage of columns beside it.

    Raises:
        XledgerError: dbt could not make it.
    """
    if _dbt(warehouse, target, "docs", "generate", "--static", TARGET_BUILT_AS=""):
        raise XledgerError("dbt could not make the docs site; run `make sync` once, then `make docs` again.")
    page = (_target(warehouse) / "static_index.html").read_text(encoding="utf-8")
    _publish_page(warehouse.docs, without_failing_requests(page))
    _publish_page(warehouse.docs / "lineage", _column_lineage(warehouse))


def without_failing_requests(page: str) -> str:
    """dbt's page without what it asks for in vain: icons by names that are filled in later, an icon of its own build."""
    for asked_too_soon, asked_in_time in _ASKED_IN_VAIN.items():
        page = page.replace(asked_too_soon, asked_in_time)
    return page


def _column_lineage(warehouse: Warehouse) -> str:
    """The page of a library that reads dbt's artifacts; it measures nobody and asks no outside address."""
    folder = _target(warehouse) / "lineage"
    target = _target(warehouse)
    artifacts = ("--manifest", target / "manifest.json", "--catalog", target / "catalog.json", "--output-dir", folder)
    completed = subprocess.run(  # noqa: S603
        [Path(sys.executable).with_name("colibri"), "generate", "--light", "--disable-telemetry", *artifacts],
        env=without_secrets(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if completed.returncode or "[ERROR]" in completed.stdout:
        raise XledgerError(f"The column lineage could not be made: {completed.stdout[-2000:]}")
    return (folder / "index.html").read_text(encoding="utf-8")


def _publish_page(folder: Path, page: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "index.html").write_text(page, encoding="utf-8")


def _target(warehouse: Warehouse) -> Path:
    return warehouse.build / "dbt"


def _dbt(warehouse: Warehouse, target: Target, *command: str, quiet: bool = False, **more: str) -> int:
    environment = without_secrets() | {
        "DATA_DIR": str(warehouse.data_dir),
        "DBT_TARGET_PATH": str(_target(warehouse)),
        "DBT_LOG_PATH": str(_target(warehouse) / "logs"),
        "DBT_PROFILES_DIR": str(_ROOT / "profiles"),
        "DBT_PROJECT_DIR": str(_ROOT / "dbt_project"),
        "DBT_MEMORY_LIMIT": os.environ.get("DBT_MEMORY_LIMIT") or _memory_limit(),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        **target.dbt_environment(),
        **more,
    }
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run(  # noqa: S603
        [Path(sys.executable).with_name("dbt"), *command, "--no-use-colors", "--target", target.name],
        env=environment,
        cwd=_ROOT,
        stdout=output,
        stderr=output,
        check=False,
    ).returncode


def _memory_limit() -> str:
    """What dbt's DuckDB may use: a quarter of the machine's memory, at most 512 MiB; what is more spills to disk."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{min(machine // 4, _MOST_MEMORY) // 2**20}MiB"


def _failed(warehouse: Warehouse) -> list[str]:
    return [
        f"{result['unique_id'].split('.')[2]}: {result['failures']} rows"
        if result.get("failures")
        else result["unique_id"].split(".")[2]
        for result in _results(warehouse)
        if result["status"] in ("error", "fail")
    ]


def _results(warehouse: Warehouse) -> list[dict[str, Any]]:
    """What dbt wrote of each model and test; empty when it did not get that far."""
    try:
        results: list[dict[str, Any]] = json.loads(
            (_target(warehouse) / "run_results.json").read_text(encoding="utf-8")
        )["results"]
    except (OSError, ValueError, KeyError):
        return []
    return results
