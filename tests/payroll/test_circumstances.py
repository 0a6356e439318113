"""Whatever the API offers or does, the rows that arrive are all rows but payroll, or the run stops and nothing is taken."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pyarrow as pa
import pytest

from pipelines.sandbox import running
from pipelines.xledger.asking import Access, Asking
from pipelines.xledger.errors import ApiFailed, PayrollStop, XledgerError
from pipelines.xledger.payroll import TRANSACTIONS, FencedFilter
from pipelines.xledger.prequeries import PreQueries
from pipelines.xledger.reading import LedgerReader
from tests.conftest import QUICK, quick_settings, read, started, sync
from tests.payroll.conftest import Done, Ledger
from tests.payroll_search import Canaries, everything_below
from tests.wire import documents

OFFERS: dict[str, dict[str, Any]] = {
    "no_negative_operator": {"negative_operator": "none"},
    "nin_and_no_filter_on_types": {"negative_operator": "dbId_nin", "document_type_filter": False},
    "notIn_and_no_ranges": {"negative_operator": "dbId_notIn", "id_ranges": False},
    "short_lists": {"longest_list": 60},
    "small_bodies": {"largest_body": 5_000},
    "one_root_at_a_time": {"most_roots": 1},
    "fewer_roots_and_fields": {
        "without": ("journalHeaders", "recentTransactions", "transaction_deltas", "apTransaction_deltas", "Transaction.taxRule")
    },
}  # fmt: skip


@pytest.mark.parametrize("offer", OFFERS)
def test_all_rows_but_payroll_arrive(ledger: Ledger, offer: str) -> None:
    with ledger.served(**OFFERS[offer]) as sandbox:
        done = Done.of(ledger.read(sandbox), sandbox)
        assert (done.missing_and_leaked("line"), done.missing_and_leaked("ap")) == ((0, 0), (0, 0))
        assert done.payroll_in_responses() == set()


def test_a_ledger_that_is_mostly_payroll(tmp_path: Path) -> None:
    with running(lines=1_000, employees=40) as sandbox:
        done = Done.of(read(tmp_path, quick_settings(sandbox.url, sandbox.token, page_size=500)), sandbox)
        [(share,)] = done.connect().execute("select avg(is_payroll::int) from truth.line").fetchall()
        assert share > 0.4
        assert (done.missing_and_leaked("line"), done.missing_and_leaked("ap")) == ((0, 0), (0, 0))
        assert done.payroll_rows_in_data() == set()


def test_a_company_without_payroll_needs_no_word(tmp_path: Path) -> None:
    with running(lines=1_000, employees=0) as sandbox:
        done = Done.of(read(tmp_path, quick_settings(sandbox.url, sandbox.token)), sandbox)
        assert done.missing_and_leaked("line") == (0, 0)


SECRET = "Lønn Kanarifugl"


def _wages(owner: int, document_type: str) -> dict[str, Any]:
    lines = [
        {"account": "5000", "amount": "48123.45", "text": SECRET},
        {"account": "1920", "amount": "-48123.45", "text": SECRET},
    ]
    return {"post": {"owner": owner, "document_type": document_type, "text": SECRET, "lines": lines}}


def _owner_with_payroll(done: Done) -> int:
    [(owner,)] = (
        done.connect().execute("select min(owner_db_id) from truth.line where payroll_rule = 'type'").fetchall()
    )
    return int(owner)


def _vouchers(done: Done, document_type: str) -> list[tuple[int, int]]:
    """Received vouchers of a type: header and number of lines, oldest lines first."""
    return (
        done.connect()
        .execute(
            "select header_db_id, count(*) from truth.line where document_type = ? and not is_payroll "
            "group by all order by min(db_id)",
            [document_type],
        )
        .fetchall()
    )


def _lines_of(done: Done, header: int) -> int:
    [(lines,)] = (
        done.connect()
        .execute("select count(*) from warehouse.raw_xledger.transaction where header_db_id = ?", [header])
        .fetchall()
    )
    return int(lines)


def test_payroll_posted_between_pre_query_and_data_stays_out(ledger: Ledger, done: Done) -> None:
    owner = _owner_with_payroll(done)
    scenario = [{"before": "transactions@1", "do": [_wages(owner, "PR"), _wages(owner, "BA")]}]
    with ledger.served(scenario=scenario) as sandbox:
        raced = Done.of(ledger.read(sandbox), sandbox)
        assert not any(SECRET in sent["response"] for sent in raced.wire)
        assert raced.missing_and_leaked("line") == (0, 0)


def test_a_voucher_posted_behind_a_pre_query_that_has_ended_stops_no_full_read(ledger: Ledger, done: Done) -> None:
    """The look behind the list of vouchers comes at once: by the end of the pre-queries there may be more of them."""
    scenario = [{"before": "payrollTransactions@4", "do": [_wages(_owner_with_payroll(done), "PR")]}]
    with ledger.served(scenario=scenario) as sandbox:
        read = Done.of(ledger.read(sandbox), sandbox)
        assert [sent["operation"] for sent in read.wire].index("documentTypes") < [
            number for number, sent in enumerate(read.wire) if sent["operation"] == "payrollTransactions"
        ][3]
        assert not any(SECRET in sent["response"] for sent in read.wire)


@pytest.mark.parametrize("without", [(), ("transaction_deltas", "apTransaction_deltas")], ids=["feeds", "no_feeds"])
def test_vouchers_re_typed_between_two_pages_are_dropped(ledger: Ledger, done: Done, without: tuple[str, ...]) -> None:
    """One whose lines had arrived already, and one whose lines were still to come."""
    invoices = _vouchers(done, "AP")
    early, late = invoices[0][0], invoices[-1][0]
    retyped = [{"retype": {"header": header, "document_type": "PR"}} for header in (early, late)]
    with ledger.served(scenario=[{"before": "transactions@2", "do": retyped}], without=without) as sandbox:
        raced = Done.of(ledger.read(sandbox), sandbox)
        assert (_lines_of(raced, early), _lines_of(raced, late)) == (0, 0)
        assert _lines_of(raced, invoices[1][0]) > 0


def test_what_becomes_payroll_later_is_purged(ledger: Ledger, done: Done) -> None:
    """By re-typing in Xledger, and by a type added to the settings; not a byte of it stays."""
    header = _vouchers(done, "AP")[0][0]
    with ledger.served() as sandbox:
        first = Done.of(ledger.read(sandbox), sandbox)
        texts = {
            text
            for (text,) in first.connect()
            .execute("select text from warehouse.raw_xledger.transaction where header_db_id = ?", [header])
            .fetchall()
        }
        alone = (
            first.connect()
            .execute(
                "select text from warehouse.raw_xledger.transaction where text is not null "
                "group by text having bool_and(header_db_id = ?)",
                [header],
            )
            .fetchall()
        )
        assert texts
        assert alone
        sandbox.mutate({"retype": {"header": header, "document_type": "PR"}})
        second = Done.of(ledger.read(sandbox, payroll_document_types=("PR", "MA")), sandbox)
        assert _lines_of(second, header) == 0
        [(journals,)] = (
            second.connect()
            .execute(
                "select count(*) from warehouse.raw_xledger.transaction_header where transaction_source_code = 'MA'"
            )
            .fetchall()
        )
        assert journals == 0
        assert _vouchers(done, "MA")
        for where, text in everything_below(second.read.warehouse.data_dir):
            assert not any(word in text for (word,) in alone), where


STOPS: dict[str, tuple[dict[str, Any], type[XledgerError]]] = {
    "short_lines": ({"faults": ("payrollTransactions@3:short_page",)}, PayrollStop),
    "short_first_page": ({"faults": ("payrollTransactions@1:short_page",)}, PayrollStop),
    "short_items": ({"faults": ("payrollAPTransactions@1:short_page",)}, PayrollStop),
    "short_registers": ({"faults": ("entities_and_accounts_and_subledgers_and_others@1:short_page",)}, PayrollStop),
    "empty_items": ({"faults": ("payrollAPTransactions@1:empty_page",)}, ApiFailed),
    "types_not_readable": ({"denied": ("TransactionSource",), "denied_form": "null"}, PayrollStop),
}


@pytest.mark.parametrize("stop", STOPS)
def test_a_pre_query_that_cannot_be_right_stops_the_run_before_any_data(ledger: Ledger, stop: str) -> None:
    changes, error = STOPS[stop]
    page_size = 100 if stop != "short_first_page" else 500
    with ledger.served(**changes) as sandbox:
        with pytest.raises(error):
            ledger.read(sandbox, page_size=page_size)
        assert not {"transactions", "apTransactions", "suppliers"} & {
            sent["operation"] for sent in documents(sandbox.wire())
        }
    with duckdb.connect(str(ledger.folder / "data" / "build" / "warehouse.duckdb")) as warehouse:
        assert warehouse.execute("select count(*) from duckdb_tables()").fetchall() == [(0,)]


@pytest.mark.parametrize(
    "changes",
    [STOPS["types_not_readable"][0], {"faults": ("payrollAPTransactions@1:short_page",)}],
    ids=["types_not_readable", "short_items"],
)
def test_the_program_stops_with_exit_code_3_and_publishes_nothing(ledger: Ledger, changes: dict[str, Any]) -> None:
    with ledger.served(**changes) as sandbox:
        environment = {
            "SOURCES__XLEDGER__API_URL": sandbox.url,
            "SOURCES__XLEDGER__API_TOKEN": sandbox.token,
            "SOURCES__XLEDGER__PAGE_SIZE": "100",
        }
        stopped = sync(ledger.folder / "data", environment)
    assert stopped.exit_code == 3, stopped.output
    assert "nothing was published" in stopped.output.splitlines()[-1].lower()
    assert not stopped.published.exists()


def test_no_payroll_where_the_last_run_had_some_stops_the_run(ledger: Ledger, done: Done) -> None:
    headers = [
        header
        for (header,) in done.connect()
        .execute("select distinct header_db_id from truth.line where payroll_rule = 'type'")
        .fetchall()
    ]
    with ledger.served() as sandbox:
        ledger.read(sandbox)
        sandbox.mutate(*({"delete": {"header": header}} for header in headers))
        with pytest.raises(PayrollStop):
            ledger.read(sandbox)


@pytest.mark.parametrize("came", [[5], [7, 8]], ids=["ignored", "cut"])
def test_an_exclusion_that_the_api_does_not_honour_is_found_with_ids_alone(came: list[int]) -> None:
    page = SimpleNamespace(tables={"census_probe": pa.table({"db_id": came})})
    asked: list[str] = []

    def once(access: object, document_name: str, rows: object, variables: object) -> object:
        asked.append(document_name)
        return page

    asking = SimpleNamespace(once=once, landing=SimpleNamespace(forget=lambda _: None))
    pre_queries = PreQueries(cast(Asking, asking), cast(Any, None), cast(Any, None), cast(Any, None))
    fenced = FencedFilter(cast(Any, SimpleNamespace(root=TRANSACTIONS)), {}, 1, {"dbId_in": ["7"]}, frozenset({7}))
    with pytest.raises(PayrollStop):
        pre_queries.refuse_leaking_filter(cast(Access, None), fenced)
    assert asked == ["payroll_transactions"]


@pytest.mark.parametrize("came_back", [True, False], ids=["a_row_came_back", "none_came_back"])
def test_after_a_forbidden_row_the_run_looks_again_whatever_the_feeds_say(came_back: bool) -> None:
    """Pages before it may hold its fellows, and the feeds show a change only after half a minute."""
    asked: list[bool] = []
    reader: Any = object.__new__(LedgerReader)
    reader._accesses = []
    reader._has_refreshed = came_back
    reader._changes = SimpleNamespace(
        heads={}, are_told=lambda _: True, since=lambda *_: {"transactions": set(), "apTransactions": set()}
    )
    reader._pre_queries = SimpleNamespace(
        run=lambda _, ask_for_all: asked.append(ask_for_all), follow=lambda *_, **__: None, judge=lambda **_: None
    )
    reader.fence = SimpleNamespace(
        handed_out_wrongly=lambda *_: 2,
        vouchers_handed_out_wrongly=lambda _: 1,
        remember_vouchers=lambda: None,
        is_whole_ledger=True,
    )
    assert reader.became_payroll() == (5 if came_back else 0)
    assert asked == ([True] if came_back else [])


@pytest.mark.parametrize("operation", ["payrollTransactions", "transactions", "suppliers"])
def test_a_killed_sync_leaves_no_payroll(ledger: Ledger, operation: str) -> None:
    with ledger.served() as sandbox:
        environment = {
            "DATA_DIR": str(ledger.folder / "data"),
            "SOURCES__XLEDGER__API_URL": sandbox.url,
            "SOURCES__XLEDGER__API_TOKEN": sandbox.token,
            **QUICK,
        }
        said = ledger.folder / "said.txt"
        with started("pipelines.sync", environment, said=said) as process:
            while not any(sent["operation"].startswith(operation) for sent in sandbox.wire()):
                assert process.poll() is None
                time.sleep(0.02)
            process.kill()
            process.wait()
        assert sandbox.truth_path
        canaries = Canaries.of(sandbox.truth_path)
        assert canaries.found_in(said.read_text(encoding="utf-8")) == set()
        files = list(everything_below(ledger.folder / "data", is_killed=True))
        assert files
        for where, text in files:
            assert canaries.found_in(text) == set(), where
        assert not (ledger.folder / "data" / "spend.duckdb").exists()
