"""A dbt build as the sync runs it, on a warehouse that a test made by hand."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests import forked
from tests.dbt.raw_warehouse import RawWarehouse
from tests.dbt.small_ledger import fill

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Build:
    """A finished dbt run on the warehouse under ``data_dir``."""

    data_dir: Path
    exit_code: int
    output: str

    @property
    def marts(self) -> Path:
        return self.data_dir / "build" / "spend.duckdb"

    @property
    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.data_dir / "target" / "manifest.json").read_text(encoding="utf-8"))
        return manifest

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the marts alone, as an analyst opens them."""
        with duckdb.connect(str(self.marts), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def query_all(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the warehouse with the marts attached as ``spend``."""
        with duckdb.connect(str(self.data_dir / "build" / "warehouse.duckdb"), read_only=True) as connection:
            connection.execute(f"attach '{self.marts}' as spend (read_only)")
            return connection.execute(sql).fetchall()


def run_dbt(
    data_dir: Path, *command: str, variables: dict[str, Any] | None = None, project: Path = ROOT / "dbt_project"
) -> Build:
    """Run dbt's command line on the warehouse under ``data_dir``."""
    folders = ("--project-dir", str(project), "--profiles-dir", str(ROOT / "profiles"))
    arguments = ["--log-level-file", "none", *command, *folders, "--target", "duckdb", "--no-use-colors"]
    if variables:
        arguments += ["--vars", json.dumps(variables)]
    told = data_dir / "told.txt"
    environment = os.environ | {
        "DATA_DIR": ".",
        "DBT_TARGET_PATH": str(data_dir / "target"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    exit_code = forked.run_dbt(arguments, data_dir, environment, told)
    return Build(data_dir, exit_code, told.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The small ledger, built with every test of its data."""
    data_dir = tmp_path_factory.mktemp("small")
    with RawWarehouse(data_dir) as raw:
        fill(raw)
    return run_dbt(data_dir, "build", "--exclude-resource-type", "unit_test")
