"""A read of what changed ends with the rows of a full read, whatever changed, and asks for little."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb
import pytest

from pipelines.console import Console
from pipelines.note_changes import note_changes
from pipelines.sandbox import Sandbox
from pipelines.warehouse import Warehouse
from tests.conftest import Read
from tests.incremental.conftest import Ledger
from tests.payroll_search import Canaries, everything_below
from tests.wire import documents

OFFERED = {
    "all_filters": {},
    "no_document_type_filter": {"document_type_filter": False},
    "no_negative_operator": {"negative_operator": "none"},
    "no_ranges": {"id_ranges": False},
    "no_match_filter": {"without": ("Transaction_Filter.matchId_in",)},
}


def _changed(read: Read) -> bool:
    return any(line.startswith("Reading what changed since") for line in read.said)


def _operations(sandbox: Sandbox, since: int) -> Counter[str]:
    return Counter(str(sent["operation"]) for sent in documents(sandbox.wire()[since:]))


def _voucher(sandbox: Sandbox, document_type: str, *, with_items: bool = True) -> dict[str, Any]:
    """A voucher of the truth with its lines, as the ledger has them."""
    assert sandbox.truth_path
    with duckdb.connect(str(sandbox.truth_path), read_only=True) as truth:
        items = "semi" if with_items else "anti"
        rows = truth.execute(
            f"""
            select header_db_id, owner_db_id, list(db_id order by db_id) from truth.line
            {items} join (select distinct header_db_id from truth.ap) using (header_db_id)
            where document_type = ? and not is_payroll group by all having count(*) > 1 order by 1 limit 1
            """,
            [document_type],
        ).fetchall()
    header, owner, lines = rows[0]
    return {"header": header, "owner": owner, "lines": lines}


@pytest.mark.parametrize("offered", OFFERED.values(), ids=OFFERED)
def test_after_any_changes_the_rows_are_those_of_a_full_read(ledger: Ledger, offered: dict[str, Any]) -> None:
    with ledger.begun(**offered) as sandbox:
        for seed in (1, 2):
            sandbox.mutate({"random": {"seed": seed, "count": 60}})
            assert _changed(ledger.read(sandbox))
        assert ledger.differences_from_a_full_read(sandbox) == {}


def test_the_evidence_covers_the_whole_ledger_each_time(ledger: Ledger) -> None:
    with ledger.begun(document_type_filter=False) as sandbox:
        sandbox.mutate({"random": {"seed": 3, "count": 40}})
        read = ledger.read(sandbox)
        assert ledger.differences_from_a_full_read(sandbox) == {}
    evidence = """
        select root, rule, excluded_ids, ids_sha256, rows_seen, rows_received
        from raw_xledger.payroll_exclusion where run_id = (select max(run_id) from raw_xledger.sync_run) order by all
    """
    anew = duckdb.connect(str(ledger.folder / "anew/build/warehouse.duckdb"), read_only=True)
    assert read.query(evidence) == anew.execute(evidence).fetchall() != []


def test_nothing_changed_asks_for_no_ledger_line(ledger: Ledger) -> None:
    with ledger.begun() as sandbox:
        since = len(sandbox.wire())
        ledger.read(sandbox)
        asked = _operations(sandbox, since)
    assert not {"transactions", "apTransactions", "payrollTransactions", "payrollAPTransactions"} & set(asked)


def test_a_deleted_voucher_is_gone_and_one_changed_often_lands_once(ledger: Ledger) -> None:
    with ledger.begun() as sandbox:
        deleted, changed = _voucher(sandbox, "AP"), _voucher(sandbox, "BA")
        for text in ("once", "twice", "thrice"):
            lines = [{"line": changed["lines"][0], "text": text}]
            sandbox.mutate({"change": {"header": changed["header"], "lines": lines}})
        sandbox.mutate({"delete": {"header": deleted["header"]}})
        read = ledger.read(sandbox)
        assert ledger.differences_from_a_full_read(sandbox) == {}
    of_deleted = f"where header_db_id = {deleted['header']}"
    assert read.query(f'select count(*) from raw_xledger."transaction" {of_deleted}') == [(0,)]
    of_changed = f"where db_id = {changed['lines'][0]}"
    assert read.query(f'select text from raw_xledger."transaction" {of_changed}') == [("thrice",)]


@pytest.mark.parametrize("offered", [{}, {"document_type_filter": False}], ids=["filters", "no_filters"])
def test_a_voucher_that_became_payroll_is_purged_and_its_lines_are_not_asked_for(
    ledger: Ledger, offered: dict[str, Any]
) -> None:
    with ledger.begun(**offered) as sandbox:
        voucher = _voucher(sandbox, "AP")
        lines = [{"line": voucher["lines"][0], "text": "UNMISTAKABLE WAGE"}]
        sandbox.mutate(
            {"change": {"header": voucher["header"], "lines": lines}},
            {"retype": {"header": voucher["header"], "document_type": "PR"}},
        )
        since = len(sandbox.wire())
        read = ledger.read(sandbox)
        sent = str([request["response"] for request in sandbox.wire()[since:]])
        assert ledger.differences_from_a_full_read(sandbox) == {}
    assert _changed(read)
    assert "UNMISTAKABLE WAGE" not in sent
    of_voucher = f"where header_db_id = {voucher['header']}"
    assert read.query(f'select count(*) from raw_xledger."transaction" {of_voucher}') == [(0,)]


def test_no_payroll_arrives_though_the_feeds_name_its_ids(ledger: Ledger) -> None:
    with ledger.begun() as sandbox:
        assert sandbox.truth_path
        canaries = Canaries.of(sandbox.truth_path)
        with duckdb.connect(str(sandbox.truth_path), read_only=True) as truth:
            payroll = truth.execute(
                "select header_db_id, min(db_id) from truth.line where is_payroll group by all"
            ).fetchall()
        for header, line in payroll[:40]:
            # Its text is what it was: the feed names the line, and nothing else shows that it was touched.
            sandbox.mutate({"change": {"header": header, "lines": [{"line": line}]}})
        since = len(sandbox.wire())
        assert _changed(ledger.read(sandbox))
        named = [
            sent["answer"] for sent in documents(sandbox.wire()[since:]) if sent["operation"] == "transactionDeltas"
        ]
        assert any(str(line) in str(answer) for answer in named for _, line in payroll)
        sent = "\n".join(str(request["response"]) for request in sandbox.wire()[since:])
        arrived = Canaries.of(sandbox.truth_path, hashed_on_arrival=True)
    assert arrived.words_in(sent) == set()
    for name, text in everything_below(ledger.folder / "data", is_killed=True):
        assert canaries.words_in(text) == set(), name


def test_a_change_during_the_sync_is_in_this_sync_or_the_next(ledger: Ledger) -> None:
    during = [
        {"before": place, "do": [{"random": {"seed": seed, "count": 10}}]}
        for seed, place in enumerate(
            (
                "payrollTransactions@2",
                "transactions@1",
                "apTransactions@1",
                "suppliers_and_setup_and_countries_and_others@1",
            ),
            5,
        )
    ]
    with ledger.served(scenario=during) as sandbox:
        ledger.read(sandbox)
        ledger.read(sandbox)
        assert ledger.differences_from_a_full_read(sandbox) == {}


def test_a_pay_line_posted_into_a_voucher_that_was_just_read_is_noticed_in_the_same_run(ledger: Ledger) -> None:
    """It stands above the fence, so no data query finds it; without it, the voucher's bank line would tell the sum."""
    with ledger.served() as sandbox:
        voucher = _voucher(sandbox, "BA", with_items=False)
    pay = [{"account": "5000", "amount": "10.00"}, {"account": "1920", "amount": "-10.00"}]
    during = [{"before": "apTransactions@1", "do": [{"extend": {"header": voucher["header"], "lines": pay}}]}]
    with ledger.served(scenario=during) as sandbox:
        read = ledger.read(sandbox)
        assert ledger.differences_from_a_full_read(sandbox) == {}
    assert any("became payroll" in line for line in read.said)
    left = read.query(
        f"""
        select count(*) from raw_xledger."transaction" as line
        inner join raw_xledger.account on account.db_id = line.account_db_id
        where line.header_db_id = {voucher["header"]} and left(account.code, 4)::int between 1900 and 3000
        """
    )
    assert left == [(0,)]


@pytest.mark.parametrize("by", ["the_ledgers_clock", "this_machines_clock", "a_clock_set_back"])
def test_after_more_than_three_days_everything_is_read_and_said(ledger: Ledger, by: str) -> None:
    with ledger.begun() as sandbox:
        sandbox.mutate({"random": {"seed": 9, "count": 20}})
        if by == "the_ledgers_clock":
            sandbox.mutate({"move_clock": {"seconds": 4 * 86_400}})
        else:
            days = {"this_machines_clock": 4, "a_clock_set_back": -1}[by]
            with duckdb.connect(str(ledger.folder / "data/build/warehouse.duckdb")) as connection:
                connection.execute("update fence.standing set noted_at = noted_at - to_days(?)", [days])
        read = ledger.read(sandbox)
        assert not _changed(read)
        told = "a clock was set back" if by == "a_clock_set_back" else "more than three days ago"
        assert any(told in line for line in read.said)
        assert ledger.differences_from_a_full_read(sandbox) == {}


def test_a_feed_that_refuses_the_cursor_leads_to_a_full_read(ledger: Ledger) -> None:
    with ledger.begun() as sandbox:
        sandbox.mutate({"random": {"seed": 14, "count": 20}})
        with duckdb.connect(str(ledger.folder / "data/build/warehouse.duckdb")) as connection:
            connection.execute("update fence.feed_head set cursor = 'of another time'")
        read = ledger.read(sandbox)
        assert any(line.startswith("Reading everything. The change feeds do not tell") for line in read.said)
        assert ledger.differences_from_a_full_read(sandbox) == {}


def test_changes_noted_by_the_daily_watch_outlive_the_feeds(ledger: Ledger) -> None:
    days = 2 * 86_400
    with ledger.begun() as sandbox:
        for seed in (12, 13):
            sandbox.mutate({"random": {"seed": seed, "count": 20}})
            note_changes(ledger.settings(sandbox), Warehouse(ledger.folder / "data"), Console())
            sandbox.mutate({"move_clock": {"seconds": days}})
        assert _changed(ledger.read(sandbox))
        assert ledger.differences_from_a_full_read(sandbox) == {}


def test_another_setting_of_payroll_reads_everything(ledger: Ledger) -> None:
    with ledger.begun() as sandbox:
        read = ledger.read(sandbox, payroll_document_types=("PR", "LØNN"))
    assert any("the settings" in line for line in read.said)


@pytest.mark.parametrize("root", ["transaction_deltas", "apTransaction_deltas"])
def test_without_a_change_feed_everything_is_read_each_time(ledger: Ledger, root: str) -> None:
    with ledger.begun(without=(root,)) as sandbox:
        sandbox.mutate({"random": {"seed": 11, "count": 20}})
        assert not _changed(ledger.read(sandbox))
        assert ledger.differences_from_a_full_read(sandbox) == {}
