"""An engine that a sync published to, and the ledger that goes on behind it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.sandbox import Sandbox, SandboxOptions, running
from pipelines.warehouse import Warehouse
from tests.conftest import QUICK, Synced, clean_environment, run_module, started, sync
from tests.forked import Started
from tests.payroll.loud_pay import make_loud
from tests.payroll_search import Canaries
from tests.targets.places import Place
from tests.targets.same_tables import Tables, tables_of_duckdb

# `LEDGER=sandbox` before `make test` sends the sandbox's own ledger, with pay louder than all else, through the engines.
_LEDGERS = {"sandbox": SandboxOptions(lines=5_000), "hostile": SandboxOptions(hostile=True, lines=3_000)}
_LEDGER = _LEDGERS[os.environ.get("LEDGER", "hostile")]


@dataclass(frozen=True)
class Landed:
    """A finished sync into an engine, and what DuckDB made of the same raw tables."""

    place: Place
    sandbox: Sandbox
    result: Synced
    canaries: Canaries
    on_duckdb: Tables

    @property
    def data_dir(self) -> Path:
        return self.result.data_dir

    @property
    def environment(self) -> dict[str, str]:
        return environment_of(self.sandbox, self.place)

    def sync(self, **extra: str) -> Synced:
        return sync(self.data_dir, self.environment | extra)

    def under_way(self, said: Path) -> AbstractContextManager[Started]:
        """A sync, killed in the end if it still runs."""
        return started("pipelines.sync", self.environment | QUICK | {"DATA_DIR": str(self.data_dir)}, said=said)

    def sync_by(self, program: Path) -> subprocess.CompletedProcess[str]:
        """A sync by a copy of the program."""
        return subprocess.run(
            [sys.executable, "-m", "pipelines.sync"],
            cwd=program,
            env=clean_environment(self.environment | QUICK | {"DATA_DIR": str(self.data_dir)})
            | {"PYTHONPATH": str(program)},
            capture_output=True,
            text=True,
            check=False,
        )

    def rename_a_supplier(self, name: str) -> None:
        with duckdb.connect(str(self.data_dir / "spend.duckdb"), read_only=True) as published:
            [(supplier,)] = published.execute(
                "select string_split(source_supplier_ids, ', ')[1] from marts.dim_supplier "
                "where invoice_count > 0 order by spend_amount desc, supplier_id limit 1"
            ).fetchall()
        self.sandbox.mutate({"rename_supplier": {"supplier": int(str(supplier).split("-")[-1]), "name": name}})


def environment_of(sandbox: Sandbox, place: Place) -> dict[str, str]:
    token = {"SOURCES__XLEDGER__API_URL": sandbox.url, "SOURCES__XLEDGER__API_TOKEN": sandbox.token}
    return token | place.environment()


def wait_until(said: Path, text: str, process: Started) -> None:
    while text not in said.read_text(encoding="utf-8", errors="replace"):
        assert process.poll() is None, said.read_text(encoding="utf-8")
        time.sleep(0.01)


@contextmanager
def serving(folder: Path) -> Iterator[Sandbox]:
    """The ledger; the sandbox's own with pay louder than all that may be received, so that no sum equals somebody's pay by chance.

    The hostile one holds amounts that nothing is louder than.
    """
    kept = {"ledger_dir": folder / "ledger", "wire_log": folder / "wire.jsonl"}
    if not _LEDGER.hostile:
        with running(_LEDGER, **kept):
            [made] = (folder / "ledger").iterdir()
        make_loud(made / "ledger.duckdb", made / "truth.duckdb")
    with running(_LEDGER, **kept) as sandbox:
        yield sandbox


def canaries_of(sandbox: Sandbox) -> Canaries:
    """What tells that pay came through; an amount of the hostile ledger's pay can be that of another line, or a sum of some."""
    assert sandbox.truth_path
    canaries = Canaries.of(sandbox.truth_path, hashed_on_arrival=True)
    return Canaries(canaries.words, frozenset()) if _LEDGER.hostile else canaries


def built_on_duckdb(data_dir: Path, reference: Path) -> Tables:
    """The marts that DuckDB builds of the same raw tables: the run and its times are the same, so all of it has to be."""
    warehouse = Warehouse(reference)
    warehouse.make_data_dir()
    shutil.copy(Warehouse(data_dir).raw, warehouse.raw)
    built = run_module("tests.dbt.one_build", {}, str(reference))
    assert built.returncode == 0, built.stderr
    return tables_of_duckdb(warehouse.marts)
