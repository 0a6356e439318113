"""A small ledger with a Swedish company and every case of pay, kept once, and reads of it under changing circumstances."""

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
from tests.conftest import Read, Synced, quick_settings, read, run_module, sync
from tests.payroll.loud_pay import LoudPay, make_loud
from tests.payroll_search import Canaries

PAGE_SIZE = 500


@dataclass(frozen=True)
class Ledger:
    """Where the small ledger is kept, and how to serve it."""

    kept: Path
    folder: Path

    @contextmanager
    def served(self, *, scenario: list[dict[str, Any]] | None = None, **changes: Any) -> Iterator[Sandbox]:
        """A sandbox on a copy of the ledger; ``scenario`` plays between two requests."""
        if scenario:
            changes["scenario"] = self.folder / "scenario.json"
            changes["scenario"].write_text(json.dumps(scenario))
        options = SandboxOptions(lines=1_500, employees=2, hostile=True, ledger_dir=self.kept)
        with running(options, **changes) as sandbox:
            yield sandbox

    def read(self, sandbox: Sandbox, folder: str = "data", **settings: Any) -> Read:
        """A read with small pages, so that the pre-queries ask for the lines in question alone."""
        changes = {"page_size": PAGE_SIZE} | settings
        return read(self.folder / folder, quick_settings(sandbox.url, sandbox.token, **changes))


@dataclass(frozen=True)
class Done:
    """A finished read, with the sandbox's truth and what went over the wire."""

    read: Read
    truth: Path
    wire: list[dict[str, Any]]

    @classmethod
    def of(cls, read: Read, sandbox: Sandbox) -> Done:
        assert sandbox.truth_path
        return cls(read, sandbox.truth_path, sandbox.wire())

    def connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        connection.execute(f"attach '{self.truth}' as truth (read_only)")
        connection.execute(f"attach '{self.read.warehouse.raw}' as warehouse (read_only)")
        return connection

    def missing_and_leaked(self, truth: str, where: str = "true") -> tuple[int, int]:
        """Rows that should have come and did not, and payroll rows that came. ``truth`` is ``line`` or ``ap``."""
        raw = {"line": "transaction", "ap": "ap_transaction"}[truth]
        found = (
            self.connect()
            .execute(
                f"""
                select count(*) filter (where raw.db_id is null and not truth.is_payroll),
                    count(*) filter (where raw.db_id is not null and truth.is_payroll)
                from truth.{truth} as truth
                left join warehouse.raw_xledger.{raw} as raw using (owner_db_id, db_id)
                where {where}
                """
            )
            .fetchone()
        )
        assert found
        return found

    def payroll_rows_in_data(self) -> set[str]:
        """Ids of payroll rows that a data query was answered with."""
        found = set()
        for root, truth in (("transactions", "line"), ("apTransactions", "ap")):
            payroll = self.connect().execute(f"select db_id::varchar from truth.{truth} where is_payroll").fetchall()
            for sent in self.wire:
                if sent["operation"] == root:
                    edges = json.loads(sent["response"])["data"][root]["edges"] or ()
                    found |= {str(edge["node"]["dbId"]) for edge in edges} & {db_id for (db_id,) in payroll}
        return found

    def payroll_in_responses(self) -> set[str]:
        canaries = Canaries.of(self.truth, hashed_on_arrival=True)
        return set().union(*(canaries.found_in(sent["response"]) for sent in self.wire))


@pytest.fixture(scope="session")
def kept_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ledger")


@pytest.fixture
def ledger(kept_ledger: Path, tmp_path: Path) -> Ledger:
    return Ledger(kept_ledger, tmp_path)


@pytest.fixture(scope="session")
def done(kept_ledger: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    """One undisturbed read."""
    ledger = Ledger(kept_ledger, tmp_path_factory.mktemp("undisturbed"))
    with ledger.served() as sandbox:
        yield Done.of(ledger.read(sandbox), sandbox)


@dataclass(frozen=True)
class Loud:
    """A finished sync of the ledger that `synced` read, with other pay in it (`loud_pay`), and all that can be made of it."""

    pay: LoudPay
    result: Synced
    wire: list[dict[str, Any]]
    sandbox: Sandbox
    environment: dict[str, str]
    said: str


# Each command that makes something of the published file.
COMMANDS = (
    ("pipelines.audit",),
    ("pipelines.docs",),
    ("pipelines.report",),
    ("pipelines.status",),
    ("pipelines.export", "--table", "all", "--format", "parquet"),
    ("pipelines.export", "--table", "fct_spend", "--format", "xlsx"),
    ("pipelines.export", "--format", "open-data"),
)


@pytest.fixture(scope="session")
def loud(synced: Synced, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loud]:
    """The sandbox stays up, so that what follows can happen in it."""
    folder = tmp_path_factory.mktemp("loud")
    with running(ledger_dir=folder / "ledger"):
        [kept] = (folder / "ledger").iterdir()
    pay = make_loud(kept / "ledger.duckdb", kept / "truth.duckdb")
    data_dir = folder / "data"
    data_dir.mkdir()
    shutil.copy(synced.data_dir / "salt", data_dir / "salt")
    with running(ledger_dir=folder / "ledger", wire_log=folder / "wire.jsonl") as sandbox:
        environment = {"SOURCES__XLEDGER__API_URL": sandbox.url, "SOURCES__XLEDGER__API_TOKEN": sandbox.token}
        result = sync(data_dir, environment)
        assert result.exit_code == 0, result.output
        said = [result.output]
        for module, *arguments in COMMANDS:
            made = run_module(module, environment | {"DATA_DIR": str(data_dir)}, *arguments)
            said.append(made.stdout + made.stderr)
            assert made.returncode == 0, said[-1]
        assert sandbox.truth_path
        done = Synced(data_dir, 0, result.output, sandbox.truth_path, folder / "wire.jsonl", sandbox.token)
        yield Loud(pay, done, sandbox.wire(), sandbox, environment, "\n".join(said))
