"""Calls dbt, a program of its own; the pipeline never imports it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipelines import last_build
from pipelines.child_environment import without_secrets
from pipelines.console import Console
from pipelines.targets.target import Target
from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import XledgerError

# Unit tests hold the models' code to made-up rows; they belong to `make test`, not to a run. Of exposures nothing is built.
_WHAT = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "exposure")
# Writing down each statement took a twelfth of its time.
_LOGGED = ("--log-level-file", "info")
_EVERYTHING = ("--full-refresh",)
# Views are what they were, since the models are; the tests on views look at what they show now. A test of the whole build holds
# what another test holds as well of the rows that are built anew. No other step needs what dbt writes of all its nodes.
_OF_CHANGES = ("--indirect-selection", "empty", "--exclude", "config.materialized:view", "tag:whole_build")
# The snapshot of suppliers is made of these, and of the time of the run where one of them changed.
_SUPPLIERS = {"address", "company", "country", "owner", "supplier"}
_SUPPLIERS_AS_THEY_WERE = (
    "supplier_snapshot",
    "supplier_history",
    "unique_key_int_suppliers_tracked_owner_db_id__supplier_db_id",
)
_QUICKLY = ("--no-write-json",)
# Nodes of changes are short and need little memory, so there is room for two of them at once.
_MOST_THREADS_FOR_CHANGES = 2
# With dbt itself, which takes some 250 MiB, the whole process stays below 1 GiB.
_MOST_MEMORY = 448 * 2**20
# Of dbt's docs page: the icons of its tree of models, and its favicon.
_ASKED_IN_VAIN = {
    '<use xlink:href="{{': '<use ng-attr-href="{{',
    '<link rel="shortcut icon" href="${require(\'./assets/favicons/favicon.ico\')}"/>': '<link rel="icon" href="data:,">',
}
_ROOT = Path(__file__).resolve().parent.parent


class Build:
    """A build to come: dbt reads the project while the ledger is read, and waits to be told what to do."""

    def __init__(self, dbt: subprocess.Popen[str], warehouse: Warehouse, target: Target, console: Console) -> None:
        self._dbt = dbt
        self._warehouse = warehouse
        # On other engines everything is built each time.
        self._keeps_builds = target.name == Target.name
        self._console = console

    def run(self) -> None:
        """Build and test the models: of what changed since the last build, where one stands on it, or all of it.

        dbt's own lines are for a person: a structured console gets their sum.

        Raises:
            XledgerError: a model or an error-level test failed; the message names them.
        """
        if not self._keeps_builds:
            self._warehouse.clear_marts()
            self._build()
            return
        if stands := last_build.stands(self._warehouse):
            self._console.say("Only vouchers that changed are built anew", "build_of_changes")
        else:
            self._warehouse.clear_marts()
        with last_build.remembered(self._warehouse, only_changes=stands):
            self._build(*(_what_changed(self._warehouse) if stands else _EVERYTHING))

    def tell(self, what: object) -> None:
        """Hand dbt one line. That it has ended by itself shows when it is waited for."""
        assert self._dbt.stdin is not None  # noqa: S101
        with suppress(BrokenPipeError):
            self._dbt.stdin.write(json.dumps(what) + "\n")
            self._dbt.stdin.flush()

    def _build(self, *options: str) -> None:
        (_target(self._warehouse) / "run_results.json").unlink(missing_ok=True)
        self.tell(["build", *_WHAT, *_LOGGED, *options])
        self._dbt.wait()
        if self._console.is_structured:
            ended = Counter(str(result["status"]) for result in _results(self._warehouse))
            told = ", ".join(f"{count} {status}" for status, count in sorted(ended.items()))
            self._console.say(told, "dbt_build", **ended)
        if self._dbt.returncode:
            failed = ", ".join(_failed(self._warehouse)) or "see the lines above"
            raise XledgerError(
                f"dbt build failed ({failed}); nothing was published, the last published file stays. "
                f"The compiled SQL lies in {_target(self._warehouse)}."
            )


def _what_changed(warehouse: Warehouse) -> tuple[str, ...]:
    """Of dbt's nodes those that are made of a raw table that changed; a seed is made of none."""
    changed = last_build.changed_tables(warehouse)
    selected = (f"source:xledger.{table}+" for table in changed)
    as_they_were = () if _SUPPLIERS & set(changed) else _SUPPLIERS_AS_THEY_WERE
    threads = os.environ.get("DBT_THREADS") or str(min(os.cpu_count() or 1, _MOST_THREADS_FOR_CHANGES))
    return (*_QUICKLY, "--threads", threads, "--select", *selected, *_OF_CHANGES, *as_they_were)


def begin(dbt: subprocess.Popen[str], warehouse: Warehouse, target: Target, console: Console) -> Build:
    """Have dbt, started by `dbt_ahead.started`, read the project for this target. Secrets go to it alone, on its standard input."""
    build = Build(dbt, warehouse, target, console)
    told = {
        "folder": str(warehouse.data_dir),
        "environment": _environment(warehouse, target),
        "options": _options(target),
    }
    build.tell(told)
    return build


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


def _environment(warehouse: Warehouse, target: Target) -> dict[str, str]:
    return without_secrets() | {
        # dbt works in the data folder: it reads the project anew when a path of the profile is another one.
        "DATA_DIR": ".",
        "DBT_TARGET_PATH": str(_target(warehouse)),
        "DBT_LOG_PATH": str(_target(warehouse) / "logs"),
        "DBT_PROFILES_DIR": str(_ROOT / "profiles"),
        "DBT_PROJECT_DIR": str(_ROOT / "dbt_project"),
        "DBT_MEMORY_LIMIT": os.environ.get("DBT_MEMORY_LIMIT") or _memory_limit(),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        **target.dbt_environment(),
    }


def _options(target: Target) -> tuple[str, ...]:
    return ("--no-use-colors", "--target", target.name)


def _dbt(warehouse: Warehouse, target: Target, *command: str, **more: str) -> int:
    return subprocess.run(  # noqa: S603
        [Path(sys.executable).with_name("dbt"), *command, *_options(target)],
        env=_environment(warehouse, target) | more,
        cwd=warehouse.data_dir,
        check=False,
    ).returncode


def _memory_limit() -> str:
    """What dbt's DuckDB may use: a quarter of the machine's memory, at most 448 MiB; what is more spills to disk."""
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
