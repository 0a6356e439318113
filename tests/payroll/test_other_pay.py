"""Two ledgers that differ in pay alone: every answer on the wire and every published row is the same.

So nothing that can be worked out from what was received or published can be somebody's pay: of the other ledger it would be
wrong.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import Synced
from tests.payroll.conftest import Done, Ledger, Loud
from tests.payroll.loud_pay import make_loud
from tests.payroll_search import Canaries, everything_below

# What differs from run to run: its name and its times.
_OF_THE_RUN = {"run_id", "_run_id", "_loaded_at", "landed_at", "started_at", "valid_from"}


def _wire(path: Path | None) -> list[dict[str, Any]]:
    assert path
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_answer_is_the_same(synced: Synced, loud: Loud) -> None:
    quiet, other = _wire(synced.wire_log), loud.wire
    assert len(quiet) > 25
    assert [answer["operation"] for answer in quiet] == [answer["operation"] for answer in other]
    assert [a["operation"] for a, b in zip(quiet, other, strict=True) if a != b] == []


@pytest.mark.parametrize("offer", ["all", "no_negative_operator"])
def test_every_answer_of_a_hostile_ledger_is_the_same(
    kept_ledger: Path, done: Done, tmp_path: Path, offer: str
) -> None:
    """A Swedish company, account codes with letters, vouchers that cannot be read; both ways of saying the exception."""
    other_ledger = Path(shutil.copytree(kept_ledger, tmp_path / "ledger"))
    [kept] = other_ledger.iterdir()
    make_loud(kept / "ledger.duckdb", kept / "truth.duckdb", bound=1_000)
    changes = {"negative_operator": "none"} if offer == "no_negative_operator" else {}
    wires = []
    for number, where in enumerate((kept_ledger, other_ledger)):
        if number == 0 and not changes:
            wires.append(done.wire)
            continue
        ledger = Ledger(where, tmp_path)
        with ledger.served(**changes) as sandbox:
            ledger.read(sandbox, f"data-{number}")
            wires.append(sandbox.wire())
    assert len(wires[0]) == len(wires[1])
    assert [a["operation"] for a, b in zip(*wires, strict=True) if a != b] == []


def _tables(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str]]:
    yield from connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = 'quiet' order by all"
    ).fetchall()


def test_every_published_row_is_the_same(synced: Synced, loud: Loud) -> None:
    connection = duckdb.connect()
    connection.execute(f"attach '{synced.published}' as quiet (read_only)")
    connection.execute(f"attach '{loud.result.published}' as other (read_only)")
    compared = 0
    for schema, table in _tables(connection):
        described = connection.execute(f'select column_name from (describe quiet."{schema}"."{table}")').fetchall()
        columns = ", ".join(f'"{name}"' for (name,) in described if name not in _OF_THE_RUN)
        quiet, other = (f'select {columns} from {name}."{schema}"."{table}"' for name in ("quiet", "other"))
        [(differences, rows)] = connection.execute(
            f"select count(*), (select count(*) from ({quiet})) from "
            f"(({quiet} except all {other}) union all ({other} except all {quiet}))"
        ).fetchall()
        assert differences == 0, table
        compared += rows
    assert compared > 20_000


def test_no_number_is_as_loud_as_pay(loud: Loud) -> None:
    """Not one measure of the published file reaches what no sum of received amounts can reach."""
    with duckdb.connect(str(loud.result.published), read_only=True) as connection:
        measures = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() "
            "where not internal and (data_type like 'DECIMAL%' or data_type in ('DOUBLE', 'FLOAT', 'HUGEINT'))"
        ).fetchall()
        assert len(measures) > 40
        for schema, table, column in measures:
            [(largest,)] = connection.execute(f'select max(abs("{column}")) from "{schema}"."{table}"').fetchall()
            assert (largest or 0) < loud.pay.bound, f"{table}.{column}"


def test_no_payroll_in_anything_made_of_it(loud: Loud) -> None:
    """Data folder, published file, docs site, audit page, report and exports: words and amounts, no table left out."""
    assert loud.result.truth
    canaries = Canaries.of(loud.result.truth)
    assert len(canaries.amounts) > 2_000
    assert min(canaries.amounts) > loud.pay.bound / 10
    assert canaries.found_in(loud.said) == set()
    made = {path.relative_to(loud.result.data_dir).parts[0] for path in loud.result.data_dir.rglob("*")}
    assert {"spend.duckdb", "build", "dlt", "runs.jsonl", "audit", "docs", "report", "export"} <= made
    for where, text in everything_below(loud.result.data_dir):
        assert canaries.found_in(text) == set(), where


def test_no_payroll_in_any_response(loud: Loud) -> None:
    assert loud.result.truth
    canaries = Canaries.of(loud.result.truth, hashed_on_arrival=True)
    for answer in loud.wire:
        assert canaries.found_in(answer["response"]) == set(), answer["operation"]


def test_what_could_not_differ_is_no_pay(loud: Loud) -> None:
    """Received rows say what an expense report without withholding repays, and which invoices its bank voucher paid."""
    assert set(loud.pay.told) == {
        ("ER", "pay_account", "2910"),
        ("ER", "balancing", "2710"),
        ("BA", "pay_account", "2910"),
        ("BA", "balancing", "1920"),
        ("BA", "balancing", "2400"),
        ("BA", "payout", "2400"),
    }
    with duckdb.connect(str(loud.result.truth), read_only=True) as truth:
        [(pay,)] = truth.execute(
            "select count(*) from line where is_payroll and account_code = '5000' and abs(amount) < ?", [loud.pay.bound]
        ).fetchall()
    assert pay == 0


@pytest.mark.parametrize("what", ["word", "amount"])
def test_the_search_finds_a_leak(loud: Loud, tmp_path: Path, what: str) -> None:
    assert loud.result.truth
    canaries = Canaries.of(loud.result.truth)
    leak = "Fastlønn KANARI-L1" if what == "word" else f"{max(canaries.amounts):,}"
    (tmp_path / "leak.txt").write_text(f"1 {leak} NOK", encoding="utf-8")
    assert [found for _, text in everything_below(tmp_path) for found in canaries.found_in(text)] != []
