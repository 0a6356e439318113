"""What happens to a target in the course of time: a second run, a failed build, a kill, a reader, rows that become payroll."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from pipelines.sandbox import Sandbox, SandboxOptions, running
from tests.conftest import QUICK, ROOT, Synced, clean_environment, run_module, sync
from tests.targets.conftest import new_place
from tests.targets.places import Place
from tests.targets.postgres_server import Server
from tests.targets.same_tables import assert_same_tables, tables_of_duckdb

# A lake with a file for its catalog differs in nothing that happens here but its lock.
PLACES = ("postgres", "ducklake_server")
# Posted by suppliers until somebody says that it is payroll.
_ADDED_TYPE = "MA"


@dataclass(frozen=True)
class Life:
    """An engine that was published to once, and the ledger that goes on."""

    place: Place
    sandbox: Sandbox
    data_dir: Path

    @property
    def environment(self) -> dict[str, str]:
        token = {"SOURCES__XLEDGER__API_URL": self.sandbox.url, "SOURCES__XLEDGER__API_TOKEN": self.sandbox.token}
        return token | self.place.environment()

    def sync(self, **extra: str) -> Synced:
        return sync(self.data_dir, self.environment | extra)

    @contextmanager
    def under_way(self, said: Path, program: Path = ROOT) -> Iterator[subprocess.Popen[bytes]]:
        """A sync in a process group of its own, killed in the end if it still runs."""
        with said.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "pipelines.sync"],
                cwd=program,
                env=clean_environment(self.environment | QUICK | {"DATA_DIR": str(self.data_dir)})
                | {"PYTHONPATH": str(program)},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def rename_a_supplier(self, name: str) -> None:
        with duckdb.connect(str(self.data_dir / "spend.duckdb"), read_only=True) as published:
            [(supplier,)] = published.execute(
                "select string_split(source_supplier_ids, ', ')[1] from marts.dim_supplier "
                "where invoice_count > 0 order by spend_amount desc, supplier_id limit 1"
            ).fetchall()
        self.sandbox.mutate({"rename_supplier": {"supplier": int(str(supplier).split("-")[-1]), "name": name}})


def wait_until(said: Path, text: str, process: subprocess.Popen[bytes]) -> None:
    while text not in said.read_text(encoding="utf-8", errors="replace"):
        assert process.poll() is None, said.read_text(encoding="utf-8")
        time.sleep(0.01)


def _with_a_failing_test(program: Path) -> Path:
    """The program once more, with a test of the marts that cannot pass."""
    for folder in ("pipelines", "dbt_project", "profiles", ".dlt"):
        shutil.copytree(
            ROOT / folder, program / folder, ignore=shutil.ignore_patterns("secrets.toml", "target", "logs")
        )
    (program / "dbt_project" / "tests" / "integrity" / "never_holds.sql").write_text(
        "-- Fails always.\nselect owner_db_id from {{ ref('dim_owner') }} limit 1\n", encoding="utf-8"
    )
    return program


@pytest.fixture(scope="module", params=PLACES)
def life(request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("life")
    options = SandboxOptions(lines=1_500, employees=2, hostile=True)
    for place in new_place(request.param, server):
        with running(options, wire_log=folder / "wire.jsonl") as sandbox:
            begun = Life(place, sandbox, folder / "data")
            first = begun.sync()
            assert first.exit_code == 0, first.output
            yield begun


def test_a_second_run_is_told_who_holds_the_target_and_a_killed_one_changes_nothing(life: Life, tmp_path: Path) -> None:
    before = life.place.tables()
    life.rename_a_supplier("Renamed before the kill AS")
    with life.under_way(tmp_path / "said.txt") as first:
        wait_until(tmp_path / "said.txt", "START sql table model", first)
        asked = len(life.sandbox.wire())
        second = sync(tmp_path / "elsewhere", life.environment)
        assert second.exit_code == 2, second.output
        last_line = second.output.splitlines()[-1]
        assert last_line.startswith("Another run is under way"), last_line
        assert f"process {first.pid}" in last_line
        assert "since 20" in last_line
        assert len(life.sandbox.wire()) == asked
        assert first.poll() is None
        os.killpg(first.pid, signal.SIGKILL)
    assert_same_tables(life.place.tables(), before)


def test_a_build_that_fails_a_test_leaves_what_was_published(life: Life, tmp_path: Path) -> None:
    before = life.place.tables()
    life.rename_a_supplier("Renamed before the failure AS")
    with life.under_way(tmp_path / "said.txt", _with_a_failing_test(tmp_path / "program")) as process:
        assert process.wait() == 1
    assert "dbt build failed (never_holds: 1 rows)" in (tmp_path / "said.txt").read_text().splitlines()[-1]
    assert_same_tables(life.place.tables(), before)


def test_who_reads_in_an_open_transaction_reads_on_while_the_run_after_a_kill_ends(life: Life, tmp_path: Path) -> None:
    life.rename_a_supplier("Aa renamed under a reader AS")
    with life.under_way(tmp_path / "said.txt") as process:
        with life.place.reader() as read:
            seen = read()
            if life.place.name == "postgres":
                wait_until(tmp_path / "said.txt", "Waiting for a transaction", process)
            else:
                process.wait(300)
            assert read() == seen
        assert process.wait(300) == 0, (tmp_path / "said.txt").read_text(encoding="utf-8")
    with life.place.reader() as read:
        assert read() != seen
    assert_same_tables(life.place.tables(), tables_of_duckdb(life.data_dir / "spend.duckdb"))


def test_the_docs_site_knows_the_published_tables(life: Life) -> None:
    made = run_module("pipelines.docs", life.environment | {"DATA_DIR": str(life.data_dir)})
    assert made.returncode == 0, made.stdout + made.stderr
    catalog = json.loads((life.data_dir / "build" / "dbt" / "catalog.json").read_text(encoding="utf-8"))["nodes"]
    assert catalog["model.xledger_spend.fct_spend"]["metadata"]["schema"] == "marts"
    assert "amount_net" in catalog["model.xledger_spend.fct_spend"]["columns"]


def test_rows_that_became_payroll_are_gone_from_tables_and_files(life: Life) -> None:
    with duckdb.connect(str(life.data_dir / "build" / "warehouse.duckdb"), read_only=True) as raw:
        words = {
            word
            for (word,) in raw.execute(
                "select text from raw_xledger.transaction inner join raw_xledger.transaction_header as header "
                "on header_db_id = header.db_id where text is not null group by text "
                f"having bool_and(header.transaction_source_code = '{_ADDED_TYPE}') and length(text) > 8"
            ).fetchall()
        }
    assert words
    assert any(word in text for _, text in life.place.texts() for word in words)
    purging = life.sync(SOURCES__XLEDGER__PAYROLL_DOCUMENT_TYPES=json.dumps(["PR", _ADDED_TYPE]))
    assert purging.exit_code == 0, purging.output
    assert {
        table: rows for table, rows in life.place.tables().items() if any(word in str(rows) for word in words)
    } == {}
    for where, text in life.place.texts():
        # A server's write-ahead log is kept as its administrator has it kept.
        if "/pg_wal/" not in where and "/global/" not in where:
            assert [word for word in words if word in text] == [], where
