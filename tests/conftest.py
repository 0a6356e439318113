"""What the tests share: a sync as a user runs it, and a read as the sync does it, both against a sandbox of their own."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from pipelines.console import Console
from pipelines.extract import plan_read, read_and_load
from pipelines.run_record import RunRecord
from pipelines.sandbox import process, running
from pipelines.warehouse import Warehouse
from pipelines.xledger.client import Traffic
from pipelines.xledger.preflight import open_access
from pipelines.xledger.settings import Settings, Token, read_settings
from tests import forked

ROOT = Path(__file__).resolve().parent.parent
QUICK = {"SOURCES__XLEDGER__REQUESTS_PER_5_SECONDS": "100000"}

# Those of `tests/sandbox/test_process.py` are started as a user starts them.
process.start = forked.start_sandbox


def pytest_configure() -> None:
    """A folder for what `tests/dbt_read_once.py` reads."""
    os.environ["WHAT_DBT_READ"] = tempfile.mkdtemp(prefix="xledger-dbt-")
    atexit.register(shutil.rmtree, os.environ["WHAT_DBT_READ"])


def pytest_collection_finish() -> None:
    """What was collected stays to the end: no garbage collection of what tests then do in this process need go through it."""
    gc.collect()
    gc.freeze()


@dataclass(frozen=True)
class Synced:
    """A finished `make sync`: its data folder, exit code and output, and where the sandbox kept its truth and wire log."""

    data_dir: Path
    exit_code: int
    output: str
    truth: Path | None = None
    wire_log: Path | None = None
    token: str = ""

    @property
    def published(self) -> Path:
        return self.data_dir / "spend.duckdb"

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.published), read_only=True) as connection:
            return connection.execute(sql).fetchall()


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment without any setting of this program, plus ``extra``."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SOURCES__", "ALERTS__", "DESTINATION__", "SPARK__"))
        and name not in ("DATA_DIR", "TARGET")
    }
    return kept | {"PYTHONPATH": str(ROOT)} | dict(extra)


def run_module(module: str, environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the program's commands to its end."""
    return forked.run_module(module, arguments, clean_environment(environment))


def started(
    module: str, environment: Mapping[str, str], *arguments: str, said: Path | None = None
) -> AbstractContextManager[forked.Started]:
    """One of the program's commands while it runs; it is killed in the end if it still does. Both its outputs go to ``said``."""
    return forked.started(module, arguments, clean_environment(environment), said)


def sync(data_dir: Path, environment: Mapping[str, str] | None = None) -> Synced:
    """`make sync` with this data folder."""
    completed = run_module("pipelines.sync", {"DATA_DIR": str(data_dir), **QUICK, **(environment or {})})
    return Synced(data_dir, completed.returncode, completed.stdout + completed.stderr)


@pytest.fixture(scope="session")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synced]:
    """One `make sync` with a token, against a sandbox whose truth and wire log stay readable."""
    folder = tmp_path_factory.mktemp("synced")
    with running(wire_log=folder / "wire.jsonl") as xledger:
        result = sync(
            folder / "data",
            {"SOURCES__XLEDGER__API_URL": xledger.url, "SOURCES__XLEDGER__API_TOKEN": xledger.token},
        )
        assert result.exit_code == 0, result.output
        yield Synced(result.data_dir, 0, result.output, xledger.truth_path, folder / "wire.jsonl", xledger.token)


@dataclass
class Read:
    """A finished read without dbt: the warehouse, the traffic, what was said."""

    warehouse: Warehouse
    traffic: Traffic
    said: list[str] = field(default_factory=list)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.warehouse.raw), read_only=True) as connection:
            return connection.execute(sql).fetchall()


class _Quiet(Console):
    def __init__(self, said: list[str]) -> None:
        super().__init__()
        self._said = said

    def say(self, line: str) -> None:
        self._said.append(line)

    def progress(self, table: str, progress: object) -> None:
        pass


def quick_settings(url: str, token: str, **changes: object) -> Settings:
    """Settings for a sandbox without a burst limit."""
    values = vars(read_settings()) | {
        "api_url": url,
        "tokens": (Token("test", token),),
        "requests_per_5_seconds": 100_000,
    }
    return Settings(**(values | changes))


def read(folder: Path, settings: Settings, *, everything: bool = False) -> Read:
    """Check, pre-query, read and load, in this process: what changed since the last read, or everything."""
    warehouse = Warehouse(folder)
    warehouse.make_data_dir()
    warehouse.prepare()
    traffic = Traffic()
    said: list[str] = []
    console = _Quiet(said)
    accesses = [
        open_access(token.name, token.secret, settings, traffic, console.say).access for token in settings.tokens
    ]
    plan = plan_read(settings, accesses, warehouse, everything=everything)
    read_and_load(settings, accesses, warehouse, RunRecord(plan.mode), traffic, console, plan)
    return Read(warehouse, traffic, said)
