from __future__ import annotations

from typing import Any

import pytest
from fenced_ledger import OWNER, FencedLedger, Item, Line
from responses import answer, node, operation

from pipelines.xledger import entities
from pipelines.xledger.errors import PayrollHit
from pipelines.xledger.payroll import AP_TRANSACTIONS, TRANSACTIONS

LINES = operation("transactions")
ITEMS = operation("ap_transactions")

KNOWN_LINES = (
    Line(1, 10, "AP", "6300"),
    Line(2, 10, "AP", "2400"),
    Line(3, 20, "BA", "7770"),
    Line(4, 20, "BA", "1920"),
    Line(5, 30, "GL", "5000"),
    Line(6, 30, "GL", "1920"),
    Line(7, 30, "GL", "6300"),
    Line(8, 40, "GL", "5000"),
    Line(9, 40, "GL", "6300"),
    Line(10, 50, "BA", "2400"),
    Line(11, 50, "BA", "6300"),
    Line(12, None, "BA", "6300"),
    Line(13, 60, "AP", "5950"),
    Line(90, 90, "PR", "5000"),
)
KNOWN_ITEMS = (
    Item(1, 10, "AP"),
    Item(2, 20, "BA"),
    Item(3, 30, "GL"),
    Item(4, 50, "BA", match=5),
    Item(5, 70, "ER", 11),
    Item(6, 10, "AP", match=8),
    Item(90, 90, "PR", match=5),
)


@pytest.fixture
def ledger() -> FencedLedger:
    made = FencedLedger(KNOWN_LINES, KNOWN_ITEMS)
    made.judge()
    return made


def _line(ledger: FencedLedger, line: Line, **values: object) -> dict[str, Any]:
    """The line as a response to the data query has it."""
    made = node(
        LINES,
        dbId=str(line.db_id),
        ownerDbId=line.owner,
        accountDbId=1 if line.account is None else ledger.account_ids[line.account],
        matchId=line.match,
        header__dbId=line.header,
        header__transactionSource__code=line.document_type,
    )
    for name, value in values.items():
        made[name] = value
    return made


def _item(item: Item, **values: object) -> dict[str, Any]:
    return node(
        ITEMS,
        dbId=item.db_id,
        ownerDbId=item.owner,
        subledgerDbId=item.subledger,
        matchId=item.match,
        transactionHeader__dbId=item.header,
        transactionHeader__transactionSource__code=item.document_type,
        ledgerType__name=item.ledger_name,
        ledgerType__code=item.ledger_code,
        **values,
    )


def _land_lines(ledger: FencedLedger, *nodes: dict[str, Any]) -> set[int]:
    guard = ledger.fence.guard(TRANSACTIONS)
    page = ledger.bench.page(LINES, entities.TRANSACTION_ROWS, answer(LINES, nodes), guard)
    return set(page.tables["transaction"].column("db_id").to_pylist())


def _land_items(ledger: FencedLedger, *nodes: dict[str, Any]) -> set[int]:
    guard = ledger.fence.guard(AP_TRANSACTIONS)
    page = ledger.bench.page(ITEMS, entities.AP_TRANSACTION_ROWS, answer(ITEMS, nodes), guard)
    return set(page.tables["ap_transaction"].column("db_id").to_pylist())


def test_what_the_query_lets_through_lands(ledger: FencedLedger) -> None:
    let_through = [line for line in KNOWN_LINES if line.db_id in (1, 2, 3, 4, 7, 11, 13)]
    assert _land_lines(ledger, *(_line(ledger, line) for line in let_through)) == {1, 2, 3, 4, 7, 11, 13}
    assert _land_items(ledger, _item(KNOWN_ITEMS[0]), _item(KNOWN_ITEMS[1]), _item(KNOWN_ITEMS[5])) == {1, 2, 6}


def test_an_empty_page_is_no_hit(ledger: FencedLedger) -> None:
    assert _land_lines(ledger) == set()
    assert _land_items(ledger) == set()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(Line(90, 90, "PR", "5000"), id="type"),
        pytest.param(Line(5, 30, "GL", "5000"), id="pay_account"),
        pytest.param(Line(6, 30, "GL", "1920"), id="balancing"),
        pytest.param(Line(9, 40, "GL", "6300"), id="whole_voucher"),
        pytest.param(Line(10, 50, "BA", "2400"), id="payout"),
        pytest.param(Line(12, None, "BA", "6300"), id="unreadable"),
        pytest.param(Line(3, 20, "PR", "7770"), id="re-typed to payroll since"),
        pytest.param(Line(3, 20, " pr ", "7770"), id="re-typed, written otherwise"),
        pytest.param(Line(3, 20, "BA", "5000"), id="moved to a pay account since"),
        pytest.param(Line(13, 60, "GL", "5950"), id="an invoice on a pay account, re-typed since"),
        pytest.param(Line(4, 30, "GL", "1920"), id="moved to a voucher with pay lines since"),
        pytest.param(Line(4, 50, "BA", "1920"), id="moved to a voucher that pays payroll out since"),
        pytest.param(Line(3, None, "BA", "7770"), id="no voucher any more"),
        pytest.param(Line(3, 20, None, "7770"), id="no document type any more"),
        pytest.param(Line(3, 20, "BA", None), id="no account that is known any more"),
        pytest.param(Line(77, 20, "BA", "7770"), id="a line that no pre-query saw"),
    ],
)
def test_a_forbidden_line_is_a_hit_and_nothing_of_its_page_is_kept(ledger: FencedLedger, line: Line) -> None:
    with pytest.raises(PayrollHit) as raised:
        _land_lines(ledger, _line(ledger, KNOWN_LINES[0]), _line(ledger, line))
    assert (raised.value.root, raised.value.rows) == (TRANSACTIONS, 1)
    assert ledger.bench.landing.handed_out("transaction") == 0
    assert ledger.bench.landing.handed_out("transaction_header") == 0


def test_a_line_without_an_account_is_a_hit(ledger: FencedLedger) -> None:
    with pytest.raises(PayrollHit):
        _land_lines(ledger, _line(ledger, KNOWN_LINES[2], accountDbId=None))
    with pytest.raises(PayrollHit):
        _land_lines(ledger, _line(ledger, KNOWN_LINES[2], header=None))


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(Item(90, 90, "PR", match=5), id="type"),
        pytest.param(Item(3, 30, "GL"), id="voucher"),
        pytest.param(Item(4, 50, "BA", match=5), id="match_group"),
        pytest.param(Item(5, 70, "ER", 11), id="employee"),
        pytest.param(Item(2, 20, "pr"), id="re-typed to payroll since"),
        pytest.param(Item(2, 30, "BA"), id="moved to a voucher with pay lines since"),
        pytest.param(Item(2, 20, "BA", match=5), id="matched with payroll since"),
        pytest.param(Item(2, 20, "BA", ledger_name="Employee"), id="an employee's since"),
        pytest.param(Item(2, 20, "BA", ledger_code="ansatt"), id="an employee's by code since"),
        pytest.param(Item(2, None, "BA"), id="no voucher any more"),
        pytest.param(Item(2, 20, None), id="no document type any more"),
        pytest.param(Item(77, 20, "BA"), id="an item that no pre-query saw"),
    ],
)
def test_a_forbidden_item_is_a_hit_and_nothing_of_its_page_is_kept(ledger: FencedLedger, item: Item) -> None:
    with pytest.raises(PayrollHit) as raised:
        _land_items(ledger, _item(KNOWN_ITEMS[0]), _item(item))
    assert (raised.value.root, raised.value.rows) == (AP_TRANSACTIONS, 1)
    assert ledger.bench.landing.handed_out("ap_transaction") == 0
    assert ledger.bench.landing.handed_out("system_value") == 0


def test_hits_are_counted(ledger: FencedLedger) -> None:
    with pytest.raises(PayrollHit) as raised:
        _land_lines(ledger, *(_line(ledger, line) for line in KNOWN_LINES))
    assert raised.value.rows == ledger.fence.excluded(TRANSACTIONS)


def test_a_match_of_another_owner_is_no_hit(ledger: FencedLedger) -> None:
    assert _land_items(ledger, _item(Item(2, 20, "BA", match=5, owner=OWNER + 1))) == {2}


def test_the_guard_holds_where_only_the_lines_in_question_were_pre_queried() -> None:
    ledger = FencedLedger([line for line in KNOWN_LINES if line.db_id in (5, 6, 8, 9, 90)], KNOWN_ITEMS)
    fence = ledger.fill()
    fence.judge(is_whole_ledger=False)
    assert fence.seen(TRANSACTIONS) is None
    account = ledger.account_ids["6300"]
    assert _land_lines(ledger, _line(ledger, Line(7, 30, "GL", "6300"), accountDbId=account)) == {7}
    for line in (Line(91, 91, "PR", "6300"), Line(92, 92, "BA", "5000"), Line(93, 30, "GL", "1920")):
        with pytest.raises(PayrollHit):
            _land_lines(ledger, _line(ledger, line))
