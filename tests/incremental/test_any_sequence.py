"""Any sequence of changes, syncs, faults and kills ends, after one undisturbed sync, with the marts of a fresh full read.

`KILLS=200` before `make test` kills so often; by default it is a few times, spread over the whole run.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.sandbox import Sandbox
from tests.conftest import QUICK, run_module, started, sync
from tests.incremental.conftest import Ledger
from tests.incremental.same_rows import differences
from tests.payroll_search import Canaries, everything_below

KILLS = int(os.environ.get("KILLS", "8"))
SEED = int(os.environ.get("SEED", "1"))

_LONGEST_RUN_SECONDS = 60.0
# More vouchers go than come, and a hundred changes can pass without a run that ends.
_ACCEPT_SHRINK = "--accept-shrink"

# What tells of the run, not of the ledger; and what is a history, which a first run cannot have.
_OF_THE_RUN = {"_run_id", "_loaded_at"}
_HISTORIES = {"audit.sync_runs", "audit.sync_run_entities", "audit.payroll_exclusions", "audit.supplier_history"}


class Books:
    """Changes to the ledger whose outcome is known: what becomes payroll was never readable with its new text."""

    def __init__(self, sandbox: Sandbox, chance: random.Random) -> None:
        assert sandbox.truth_path
        self._sandbox, self._chance = sandbox, chance
        with duckdb.connect(str(sandbox.truth_path), read_only=True) as truth:
            self._vouchers = truth.execute(
                """
                select header_db_id, min(db_id) from truth.line
                where header_db_id not in (select header_db_id from truth.line where is_payroll) group by all order by 1
                """
            ).fetchall()
        self.texts_of_pay: list[str] = []

    def change(self) -> None:
        """Post, change, delete and re-type a few vouchers."""
        for _ in range(self._chance.randint(1, 6)):
            header, line = self._vouchers.pop(self._chance.randrange(len(self._vouchers)))
            kind = self._chance.choice(("change", "delete", "become_payroll", "retype"))
            if kind == "become_payroll":
                self.texts_of_pay.append(f"BECAME PAY {len(self.texts_of_pay):04d} END")
            lines = [{"line": line, "text": self.texts_of_pay[-1] if kind == "become_payroll" else f"Changed {line}"}]
            done: dict[str, list[dict[str, Any]]] = {
                "change": [{"change": {"header": header, "lines": lines}}],
                "delete": [{"delete": {"header": header}}],
                "retype": [{"retype": {"header": header, "document_type": self._chance.choice(("AP", "BA", "GL"))}}],
                "become_payroll": [
                    {"change": {"header": header, "lines": lines}},
                    {"retype": {"header": header, "document_type": "PR"}},
                ],
            }
            self._sandbox.mutate(*done[kind])


def marts_that_differ(one: Path, other: Path) -> dict[str, int]:
    """Number of rows by table that stand in one file only, but for what tells of the run."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{one}' as one (read_only); attach '{other}' as other (read_only)")
        columns = connection.execute(
            """
            select schema_name || '.' || table_name, list(column_name order by column_index)
            from duckdb_columns() where database_name = 'one' and schema_name in ('marts', 'audit') group by all order by 1
            """
        ).fetchall()
        found = {}
        for table, names in columns:
            if table in _HISTORIES:
                continue
            listed = ", ".join(f'"{name}"' for name in names if name not in _OF_THE_RUN)
            rows = [f"select {listed} from {side}.{table}" for side in ("one", "other")]
            sql = f"select count(*) from (({rows[0]} except all {rows[1]}) union all ({rows[1]} except all {rows[0]}))"
            count = connection.execute(sql).fetchone()
            if count and count[0]:
                found[table] = count[0]
    assert len(columns) > 20
    return found


@pytest.mark.timeout(300 + 60 * KILLS)
def test_any_sequence_ends_with_the_marts_of_a_fresh_full_read(ledger: Ledger) -> None:
    chance = random.Random(SEED)  # noqa: S311
    data_dir, output = ledger.folder / "data", ledger.folder / "output.txt"
    steps = []
    with ledger.served(
        document_type_filter=False, fault_rate=0.02, fault_kinds=("500", "503", "reset", "reset_body", "truncated")
    ) as sandbox:
        assert sandbox.truth_path
        canaries, books = Canaries.of(sandbox.truth_path), Books(sandbox, chance)
        environment = {
            **QUICK,
            "SOURCES__XLEDGER__API_URL": sandbox.url,
            "SOURCES__XLEDGER__API_TOKEN": sandbox.token,
            "SOURCES__XLEDGER__PAGE_SIZE": "400",
            "DATA_DIR": str(data_dir),
        }
        # How long an undisturbed run takes is learned on the way: later moments after each kill, no later ones than its end.
        longest = 6.0
        kills = 0
        while kills < KILLS:
            began = time.monotonic()
            with started("pipelines.sync", environment, _ACCEPT_SHRINK, said=output) as process:
                try:
                    exit_code = process.wait(chance.uniform(0, longest))
                except subprocess.TimeoutExpired:
                    exit_code = None
            if exit_code is None:
                kills += 1
                longest = min(longest * 1.3, _LONGEST_RUN_SECONDS)
            else:
                assert exit_code == 0, output.read_text()
                longest = time.monotonic() - began
            steps.append((exit_code, round(time.monotonic() - began, 1)))
            print(len(steps), *steps[-1], flush=True)
            never_seen = Canaries(canaries.words.union(books.texts_of_pay), frozenset())
            for name, text in everything_below(data_dir, is_killed=True):
                assert never_seen.words_in(text) == set(), name
            if chance.random() < 0.6:
                books.change()
        ended = run_module("pipelines.sync", environment, _ACCEPT_SHRINK)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        anew = ledger.folder / "anew"
        anew.mkdir()
        shutil.copy(data_dir / "salt", anew)
        fresh = sync(anew, environment | {"DATA_DIR": str(anew)})
        assert fresh.exit_code == 0, fresh.output
    assert differences(data_dir / "build/warehouse.duckdb", anew / "build/warehouse.duckdb") == {}
    # A first read alters nothing that was published; the last sync may have (test_spend_changes.py).
    differing = marts_that_differ(data_dir / "spend.duckdb", fresh.published).keys() - {"audit.spend_changes"}
    assert differing == set()
