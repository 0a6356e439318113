"""A small ledger, kept once, and reads of it: what changed, beside everything anew."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.sandbox import Sandbox, SandboxOptions, running
from pipelines.xledger.client import Traffic
from pipelines.xledger.preflight import open_access
from pipelines.xledger.standing import made_with
from tests.conftest import Read, quick_settings, read
from tests.incremental.same_rows import differences


@dataclass(frozen=True)
class Ledger:
    """Where the small ledger is kept, how to serve it, and reads of it into folders of their own."""

    kept: Path
    folder: Path

    @contextmanager
    def served(self, *, scenario: list[dict[str, Any]] | None = None, **changes: Any) -> Iterator[Sandbox]:
        """A sandbox on a copy of the ledger; ``scenario`` plays between two requests."""
        if scenario:
            changes["scenario"] = self.folder / "scenario.json"
            changes["scenario"].write_text(json.dumps(scenario))
        with running(
            SandboxOptions(lines=1_500, employees=2, hostile=True, ledger_dir=self.kept), **changes
        ) as sandbox:
            yield sandbox

    @contextmanager
    def begun(self, **changes: Any) -> Iterator[Sandbox]:
        """The same, and a first read of it, which is made once for the same switches."""
        first = self.kept.with_name(
            "-".join(["begun", *(f"{name}={value}" for name, value in sorted(changes.items()))])
        )
        with self.served(**changes) as sandbox:
            if first.exists():
                shutil.copytree(first, self.folder / "data")
                self._move_to(sandbox)
            else:
                self.read(sandbox)
                shutil.copytree(self.folder / "data", first)
            yield sandbox

    def _move_to(self, sandbox: Sandbox) -> None:
        """The data folder was read from another sandbox: the same in all but its address."""
        settings = self.settings(sandbox)
        access = open_access("test", sandbox.token, settings, Traffic(), lambda _: None).access
        with duckdb.connect(str(self.folder / "data" / "build" / "warehouse.duckdb")) as connection:
            connection.execute("update fence.standing set made_with = ?", [made_with(settings, [access])])

    def read(self, sandbox: Sandbox, **settings: Any) -> Read:
        """Bring the data folder up to date, in small pages."""
        return read(self.folder / "data", self.settings(sandbox, **settings))

    def settings(self, sandbox: Sandbox, **changes: Any) -> Any:
        return quick_settings(sandbox.url, sandbox.token, **({"page_size": 400} | changes))

    def differences_from_a_full_read(self, sandbox: Sandbox, **settings: Any) -> dict[str, int]:
        """Rows by raw table in which the data folder differs from everything read anew, in large pages."""
        anew = self.folder / "anew"
        shutil.rmtree(anew, ignore_errors=True)
        anew.mkdir()
        # Bank accounts are hashed with the data folder's salt.
        shutil.copy(self.folder / "data" / "salt", anew)
        full = read(anew, self.settings(sandbox, **({"page_size": 5_000} | settings)))
        return differences(self.folder / "data" / "build" / "warehouse.duckdb", full.warehouse.raw)


@pytest.fixture(scope="session")
def kept_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def ledger(kept_ledger: Path, tmp_path: Path) -> Ledger:
    return Ledger(kept_ledger, tmp_path)
