"""What the tests of every engine have in common; a class of tests names the place it runs on.

The sync into it is made once for a class: what happens to an engine in the course of time happens after the tables were compared.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import ClassVar

import duckdb

from pipelines.warehouse import Warehouse
from tests.conftest import ROOT, run_module, sync
from tests.payroll_search import everything_below
from tests.targets.landed import Landed, wait_until
from tests.targets.postgres_server import Server
from tests.targets.same_tables import assert_same_tables, tables_of_duckdb

# Posted by suppliers until somebody says that it is payroll.
_ADDED_TYPE = "MA"


class SameAsOnDuckDB:
    """The same tables as on DuckDB, and no payroll in any file."""

    kind: ClassVar[str]

    def test_every_mart_and_audit_table_is_as_on_duckdb(self, landed: Landed) -> None:
        assert_same_tables(landed.place.tables(), landed.on_duckdb)

    def test_the_file_that_analysts_open_is_as_on_duckdb(self, landed: Landed) -> None:
        assert_same_tables(tables_of_duckdb(landed.result.published), landed.on_duckdb)
        with duckdb.connect(str(landed.result.published), read_only=True) as published:
            money = published.execute(
                "select distinct data_type from duckdb_columns() where schema_name = 'marts' and column_name like 'amount%'"
            ).fetchall()
            commented = published.execute(
                "select count(comment) = count(*) from duckdb_columns() where schema_name in ('marts', 'audit')"
            ).fetchall()
        assert money == [("DECIMAL(19,4)",)]
        assert commented == [(True,)]

    def test_no_payroll_lies_in_any_file_of_the_engine(self, landed: Landed) -> None:
        assert len(landed.canaries.words) > 50
        texts = [*landed.place.texts(), *everything_below(landed.result.data_dir)]
        for where, text in texts:
            assert landed.canaries.found_in(text) == set(), where
        # The same search finds what did arrive.
        [(word,)] = landed.result.query(
            "select max(supplier_name) from marts.dim_supplier where length(supplier_name) > 12"
        )
        assert any(str(word) in text for _, text in texts)

    def test_no_way_into_the_engine_is_left_on_disk_or_said(self, landed: Landed, server: Server) -> None:
        assert server.password not in landed.result.output
        for where, text in everything_below(landed.result.data_dir):
            assert server.password not in text, where

    def test_the_fence_stays_on_the_machine_that_reads(self, landed: Landed) -> None:
        with duckdb.connect(str(Warehouse(landed.result.data_dir).raw), read_only=True) as raw:
            assert raw.execute("select count(*) > 0 from duckdb_tables() where schema_name = 'fence'").fetchall() == [
                (True,)
            ]
        assert [where for where, _ in landed.place.texts() if "fence." in where or "/fence/" in where] == []


class GoesOn(SameAsOnDuckDB):
    """A second run, a failed build, a kill, a reader, rows that become payroll."""

    def test_a_second_run_is_told_who_holds_the_target_and_a_killed_one_changes_nothing(
        self, landed: Landed, tmp_path: Path
    ) -> None:
        before = landed.place.tables()
        landed.rename_a_supplier("Renamed before the kill AS")
        with landed.under_way(tmp_path / "said.txt") as first:
            wait_until(tmp_path / "said.txt", "START sql table model", first)
            asked = len(landed.sandbox.wire())
            second = sync(tmp_path / "elsewhere", landed.environment)
            assert second.exit_code == 2, second.output
            last_line = second.output.splitlines()[-1]
            assert last_line.startswith("Another run is under way"), last_line
            assert f"process {first.pid}" in last_line
            assert "since 20" in last_line
            assert len(landed.sandbox.wire()) == asked
            assert first.poll() is None
            first.kill_session()
        assert_same_tables(landed.place.tables(), before)

    def test_a_build_that_fails_a_test_leaves_what_was_published(self, landed: Landed, tmp_path: Path) -> None:
        before = landed.place.tables()
        landed.rename_a_supplier("Renamed before the failure AS")
        failed = landed.sync_by(_with_a_failing_test(tmp_path / "program"))
        assert failed.returncode == 1
        assert "dbt build failed (never_holds: 1 rows)" in failed.stderr.splitlines()[-1]
        assert_same_tables(landed.place.tables(), before)

    def test_who_reads_in_an_open_transaction_reads_on_while_the_run_after_a_kill_ends(
        self, landed: Landed, tmp_path: Path
    ) -> None:
        landed.rename_a_supplier("Aa renamed under a reader AS")
        with landed.under_way(tmp_path / "said.txt") as process:
            with landed.place.reader() as read:
                seen = read()
                if landed.place.name == "postgres":
                    wait_until(tmp_path / "said.txt", "Waiting for a transaction", process)
                else:
                    process.wait(300)
                assert read() == seen
            assert process.wait(300) == 0, (tmp_path / "said.txt").read_text(encoding="utf-8")
        with landed.place.reader() as read:
            assert read() != seen
        assert_same_tables(landed.place.tables(), tables_of_duckdb(landed.data_dir / "spend.duckdb"))

    def test_the_docs_site_knows_the_published_tables(self, landed: Landed) -> None:
        made = run_module("pipelines.docs", landed.environment | {"DATA_DIR": str(landed.data_dir)})
        assert made.returncode == 0, made.stdout + made.stderr
        catalog = json.loads((landed.data_dir / "build" / "dbt" / "catalog.json").read_text(encoding="utf-8"))["nodes"]
        assert catalog["model.xledger_spend.fct_spend"]["metadata"]["schema"] == "marts"
        assert "amount_net" in catalog["model.xledger_spend.fct_spend"]["columns"]

    def test_rows_that_became_payroll_are_gone_from_tables_and_files(self, landed: Landed) -> None:
        with duckdb.connect(str(landed.data_dir / "build" / "warehouse.duckdb"), read_only=True) as raw:
            words = {
                word
                for (word,) in raw.execute(
                    "select text from raw_xledger.transaction inner join raw_xledger.transaction_header as header "
                    "on header_db_id = header.db_id where text is not null group by text "
                    f"having bool_and(header.transaction_source_code = '{_ADDED_TYPE}') and length(text) > 8"
                ).fetchall()
            }
        assert words
        assert any(word in text for _, text in landed.place.texts() for word in words)
        purging = landed.sync(SOURCES__XLEDGER__PAYROLL_DOCUMENT_TYPES=json.dumps(["PR", _ADDED_TYPE]))
        assert purging.exit_code == 0, purging.output
        assert {
            table: rows for table, rows in landed.place.tables().items() if any(word in str(rows) for word in words)
        } == {}
        for where, text in [*landed.place.texts(), *everything_below(landed.data_dir)]:
            # A server's write-ahead log is kept as its administrator has it kept.
            if "/pg_wal/" not in where and "/global/" not in where:
                assert [word for word in words if word in text] == [], where


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
