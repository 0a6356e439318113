"""A ledger in which vouchers become payroll after they were published: killed syncs keep the old file and leave no pay, the next
whole one leaves nothing of those vouchers anywhere.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.conftest import QUICK, run_module, started, sync
from tests.payroll.conftest import Loud
from tests.payroll_search import Canaries, everything_below
from tests.wire import documents

# A type that suppliers' invoices are posted under, until somebody says that it is payroll's.
_ADDED_TYPE = "MA"


@dataclass
class Later:
    """The data folder of the loud ledger's sync, copied, and what became payroll since."""

    loud: Loud
    data_dir: Path
    retyped: Canaries
    of_added_type: Canaries
    pay: Canaries
    killed_at: list[str] = field(default_factory=list)

    @property
    def published(self) -> Path:
        return self.data_dir / "spend.duckdb"

    @property
    def environment(self) -> dict[str, str]:
        return self.loud.environment | QUICK | {"DATA_DIR": str(self.data_dir)}


def _canaries_of(loud: Loud, headers: str) -> Canaries:
    """Texts, invoice numbers and large amounts that stand in these published vouchers and nowhere else."""
    with duckdb.connect(str(loud.result.data_dir / "build" / "warehouse.duckdb"), read_only=True) as warehouse:
        warehouse.execute(f"create temp table chosen as {headers}")
        warehouse.execute(
            """
            create temp table told as
            select header_db_id, text as word, amount from raw_xledger.transaction
            union all
            select transaction_header_db_id, invoice_number, amount from raw_xledger.ap_transaction
            """
        )
        words = warehouse.execute(
            "select word from told where word is not null group by word "
            "having bool_and(header_db_id in (from chosen)) and length(word) > 5"
        ).fetchall()
        amounts = warehouse.execute(
            "select abs(amount) from told group by all having bool_and(header_db_id in (from chosen)) and abs(amount) > 150000"
        ).fetchall()
    return Canaries(frozenset(word for (word,) in words), frozenset(Decimal(amount) for (amount,) in amounts))


@pytest.fixture(scope="module")
def later(loud: Loud, tmp_path_factory: pytest.TempPathFactory) -> Later:
    assert loud.result.truth
    largest = (
        f"select header_db_id from raw_xledger.transaction where header_db_id = {_largest_invoice(loud.result.truth)}"
    )
    of_added_type = f"select db_id from raw_xledger.transaction_header where transaction_source_code = '{_ADDED_TYPE}'"
    made = Later(
        loud,
        tmp_path_factory.mktemp("later") / "data",
        _canaries_of(loud, largest),
        _canaries_of(loud, of_added_type),
        Canaries.of(loud.result.truth),
    )
    shutil.copytree(loud.result.data_dir, made.data_dir)
    loud.sandbox.mutate({"retype": {"header": _largest_invoice(loud.result.truth), "document_type": "PR"}})
    return made


def _largest_invoice(truth: Path) -> int:
    with duckdb.connect(str(truth), read_only=True) as connection:
        [(header, _)] = connection.execute(
            "select header_db_id, sum(amount) as amount from line where document_type = 'AP' and is_spend_guarded "
            "and case_label is null group by all order by amount desc limit 1"
        ).fetchall()
    return int(header)


@dataclass
class Run:
    """A sync under way."""

    later: Later
    said: Path
    first_request: int

    def asked(self, *operations: str) -> bool:
        sent = documents(self.later.loud.sandbox.wire()[self.first_request :])
        return any(document["operation"] in operations for document in sent)

    def says(self, text: str) -> bool:
        return text in self.said.read_text(encoding="utf-8", errors="replace")

    def has(self, pattern: str) -> bool:
        return next(self.later.data_dir.glob(pattern), None) is not None


# How a watcher knows that a step is under way.
STEPS: dict[str, Callable[[Run], bool]] = {
    "check": lambda run: run.asked("IntrospectionQuery"),
    "pre_queries": lambda run: run.asked("payrollTransactions", "payrollAPTransactions"),
    "read": lambda run: run.asked("transactions", "suppliers"),
    "load": lambda run: run.has("dlt/*/load/normalized/*/started_jobs/*"),
    "build": lambda run: run.says("START sql table model spend.marts"),
    "compare": lambda run: run.has("build/comparison"),
    "publish": lambda run: run.has(".spend-*"),
}

# Steps that have little to do where only changes are read.
_WHOLE = ("read", "load")


@pytest.mark.parametrize("step", STEPS)
def test_a_sync_killed_at_a_step_leaves_the_old_file_and_no_pay(later: Later, tmp_path: Path, step: str) -> None:
    before = _state(later.data_dir)
    said = tmp_path / "said.txt"
    run = Run(later, said, len(later.loud.sandbox.wire()))
    with started("pipelines.sync", later.environment, *(["--full"] if step in _WHOLE else []), said=said) as process:
        while not STEPS[step](run):
            assert process.poll() is None, said.read_text(encoding="utf-8")
            time.sleep(0.002)
        process.kill_session()
    later.killed_at.append(step)

    after = _state(later.data_dir)
    assert after[later.published] == before[later.published]
    with duckdb.connect(str(later.published), read_only=True) as published:
        assert published.execute("select count(*) > 0 from marts.fct_spend").fetchall() == [(True,)]
    assert later.pay.found_in(said.read_text(encoding="utf-8")) == set()
    # Files that are as they were have been searched.
    for where, text in everything_below(later.data_dir, lambda path: after[path] != before.get(path), is_killed=True):
        assert later.pay.found_in(text) == set(), where


def _state(folder: Path) -> dict[Path, str]:
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


_READER = """
import duckdb, sys
with duckdb.connect(sys.argv[1], read_only=True) as published:
    for _ in sys.stdin:
        print(published.sql("select count(*), sum(amount) from marts.fct_ledger_line").fetchall(), flush=True)
"""


@dataclass
class Purged:
    """What two whole syncs after the kills left."""

    later: Later
    exit_codes: list[int]
    said: str
    reader_saw: list[str]
    after_retyping: Path


@pytest.fixture(scope="module")
def purged(later: Later) -> Purged:
    """One sync after a voucher was re-typed, one with a payroll type added; a reader holds the first file open meanwhile."""
    with subprocess.Popen(
        [sys.executable, "-c", _READER, str(later.published)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin
        assert reader.stdout

        def look() -> str:
            reader.stdin.write("\n")
            reader.stdin.flush()
            return reader.stdout.readline()

        saw = [look()]
        first = sync(later.data_dir, later.loud.environment)
        saw.append(look())
        between = later.data_dir.with_name("between")
        shutil.copytree(later.data_dir, between)
        types = {"SOURCES__XLEDGER__PAYROLL_DOCUMENT_TYPES": json.dumps(["PR", _ADDED_TYPE])}
        second = sync(later.data_dir, later.loud.environment | types)
        saw.append(look())
        reader.stdin.close()
    audit = run_module("pipelines.audit", later.environment | types)
    said = first.output + second.output + audit.stdout + audit.stderr
    return Purged(later, [first.exit_code, second.exit_code, audit.returncode], said, saw, between)


def test_the_next_undisturbed_sync_ends_right(purged: Purged) -> None:
    assert purged.exit_codes == [0, 0, 0], purged.said
    with duckdb.connect(str(purged.after_retyping / "spend.duckdb"), read_only=True) as published:
        [(retyped,)] = published.execute(
            "select count(*) from marts.fct_ledger_line where header_db_id = ?",
            [_largest_invoice(purged.later.loud.result.truth or Path())],
        ).fetchall()
        [(of_added_type,)] = published.execute(
            "select count(*) from marts.fct_ledger_line where document_type = ?", [_ADDED_TYPE]
        ).fetchall()
    assert retyped == 0
    assert of_added_type > 0


def test_a_reader_keeps_the_file_it_opened(purged: Purged) -> None:
    assert len(set(purged.reader_saw)) == 1
    assert "Decimal" in purged.reader_saw[0]


@pytest.mark.parametrize("what", ["retyped", "type_added"])
def test_nothing_of_what_became_payroll_stays(purged: Purged, what: str) -> None:
    """Raw tables, marts, snapshots, published file, dlt's folder, docs site, audit page, exports, report, journal."""
    folder = purged.after_retyping if what == "retyped" else purged.later.data_dir
    gone = purged.later.retyped if what == "retyped" else purged.later.of_added_type
    assert gone.words
    if what == "retyped":
        assert gone.amounts
    before = {where for where, text in _published_and_made(purged.later) if gone.found_in(text)}
    assert {Path(where.split()[0]).parts[-2] for where in before} >= {"data", "export"}
    for where, text in everything_below(folder):
        assert gone.found_in(text) == set(), where
        if what == "type_added":
            assert purged.later.pay.found_in(text) == set(), where
    assert gone.found_in(purged.said) == set()


def _published_and_made(later: Later) -> Iterator[tuple[str, str]]:
    """What the first sync published, and the exports of it: there the search must find what is gone later."""
    yield from everything_below(
        later.loud.result.data_dir, lambda path: path.name == "spend.duckdb" or path.parent.name == "export"
    )


def test_no_sums_are_left_whose_difference_is_pay(purged: Purged) -> None:
    journal = (purged.later.data_dir / "runs.jsonl").read_text(encoding="utf-8")
    published = [json.loads(line)["published"] for line in journal.splitlines() if line]
    assert [figures.get("received_gone", 0) > 0 for figures in published if figures][-2:] == [True, True]
    assert not any("spend" in figures or "spend_before" in figures for figures in published)


def test_killed_runs_leave_no_files_of_theirs(purged: Purged) -> None:
    assert purged.later.killed_at == list(STEPS)
    before, after = (_names(folder) for folder in (purged.later.loud.result.data_dir, purged.later.data_dir))
    assert after - before == set()


def _names(folder: Path) -> set[str]:
    """Paths below a folder; what dlt calls by a run's time has one name."""
    return {
        "/".join("run" if part.replace(".", "").isdigit() else part for part in path.relative_to(folder).parts)
        for path in folder.rglob("*")
        if path.is_file()
    }
