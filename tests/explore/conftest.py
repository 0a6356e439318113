"""A published file of a whole sync, copied so that a test may put hostile values into it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Synced, run_module


@dataclass(frozen=True)
class Place:
    """A data folder with a published file and nothing else."""

    data_dir: Path

    @property
    def published(self) -> Path:
        return self.data_dir / "spend.duckdb"

    def run(self, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One of the commands as make calls it. The token only says that this is no sandbox folder."""
        return run_module(module, {"DATA_DIR": str(self.data_dir), "SOURCES__XLEDGER__API_TOKEN": "any"}, *arguments)

    def query(self, sql: str, parameters: list[object] | None = None) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.published), read_only=True) as connection:
            return connection.execute(sql, parameters or []).fetchall()


@pytest.fixture
def place_with(tmp_path: Path, synced: Synced) -> Callable[[str], Place]:
    """Copies the published file of the sync and changes it by SQL."""

    def make(sql: str) -> Place:
        place = Place(tmp_path)
        shutil.copy(synced.published, place.published)
        with duckdb.connect(str(place.published)) as connection:
            connection.execute(sql)
        return place

    return make


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, synced: Synced) -> Place:
    """The published file of the sync as it is."""
    data_dir = tmp_path_factory.mktemp("explored")
    shutil.copy(synced.published, data_dir / "spend.duckdb")
    return Place(data_dir)
