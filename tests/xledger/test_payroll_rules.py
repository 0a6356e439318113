from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from fenced_ledger import BAS, NS4102, OTHER_CHART, SETTINGS, FencedLedger, Item, Line

from pipelines.xledger.errors import PayrollStop
from pipelines.xledger.payroll import AP_TRANSACTIONS, TRANSACTIONS

# A payroll voucher, so that a ledger with lines on pay accounts is no reason to stop.
PAYROLL = (Line(901, 90, "PR", "5000"), Line(902, 90, "PR", "1920"))
PAYROLL_LINES = {901: "type", 902: "type"}


def _lines(*lines: Line, items: tuple[Item, ...] = (), chart: int | None = NS4102, **flags: object) -> dict[int, str]:
    """Rules by id of the lines given, without those of the payroll voucher beside them."""
    ledger = FencedLedger((*lines, *PAYROLL), items, chart=chart, **flags)  # type: ignore[arg-type]
    excluded = ledger.excluded_lines()
    assert {db_id: excluded.pop(db_id) for db_id in PAYROLL_LINES} == PAYROLL_LINES
    return excluded


def _items(*items: Item, lines: tuple[Line, ...] = (), names: dict[int, str | None] | None = None) -> dict[int, str]:
    return FencedLedger((*lines, *PAYROLL), items, subledger_names=names or {}).excluded_items()


# Lines


@pytest.mark.parametrize("code", ["PR", "pr", " PR ", "Pr"])
def test_every_line_of_a_payroll_voucher_is_left_out(code: str) -> None:
    voucher = [Line(number, 10, code, account) for number, account in enumerate(("5000", "2780", "1920", "6300"), 1)]
    assert _lines(*voucher) == dict.fromkeys((1, 2, 3, 4), "type")


def test_payroll_types_are_those_of_the_settings() -> None:
    settings = replace(SETTINGS, payroll_document_types=("LO", "AM"))
    lines = (Line(1, 10, "LO", "6300"), Line(2, 11, "am", "6300"), Line(3, 12, "PR", "6300"))
    assert FencedLedger(lines, settings=settings).excluded_lines() == {1: "type", 2: "type"}


@pytest.mark.parametrize("code", ["BA", "GL", "MA", "OS"])
def test_a_line_on_a_pay_account_and_its_balancing_lines_are_left_out_and_cost_stays(code: str) -> None:
    voucher = (Line(1, 10, code, "5000"), Line(2, 10, code, "1920"), Line(3, 10, code, "6300"))
    assert _lines(*voucher, Line(4, 11, code, "1920")) == {1: "pay_account", 2: "balancing"}


@pytest.mark.parametrize(
    ("account", "rule"),
    [
        ("1899", None),
        ("1900", "balancing"),
        ("1900*", "balancing"),
        ("19001", "balancing"),
        ("3000", "balancing"),
        ("3001", None),
        ("190", None),
        ("2400", "balancing"),
        ("2930", "pay_account"),
    ],
)
def test_balancing_lines_are_those_that_the_models_remove(account: str, rule: str | None) -> None:
    voucher = (Line(1, 10, "BA", "5000"), Line(2, 10, "BA", "1920"), Line(3, 10, "BA", account))
    assert _lines(*voucher).get(3) == rule


@pytest.mark.parametrize("account", ["5000*", "50001", "5000A", "1570", "1740", "2600", "2785", "2980", "5999"])
def test_pay_accounts_are_read_on_four_digits(account: str) -> None:
    assert _lines(Line(1, 10, "BA", account), Line(2, 10, "BA", "1920"))[1] == "pay_account"


def test_an_invoice_may_stand_on_a_pay_account() -> None:
    assert _lines(Line(1, 10, "AP", "5950"), Line(2, 10, "AP", "2400"), Line(3, 10, "AP", "2710")) == {}


def test_what_is_not_quite_an_invoice_may_not() -> None:
    assert _lines(Line(1, 10, "ap", "5950"), Line(2, 10, "ap", "2400")) == {1: "pay_account", 2: "balancing"}


def test_a_voucher_that_nothing_balances_is_left_out_whole() -> None:
    voucher = (Line(1, 10, "GL", "5000"), Line(2, 10, "GL", "1500"), Line(3, 10, "GL", "6300"))
    assert _lines(*voucher) == {1: "pay_account", 2: "whole_voucher", 3: "whole_voucher"}


def test_an_expense_report_keeps_its_cost_whatever_balances_it() -> None:
    voucher = (Line(1, 10, "ER", "5330"), Line(2, 10, "ER", "7140"))
    assert _lines(*voucher) == {1: "pay_account"}
    assert _lines(*voucher, Line(3, 10, "ER", "2910"), Line(4, 10, "ER", "2400")) == {
        1: "pay_account",
        3: "pay_account",
        4: "balancing",
    }


def test_a_pay_account_does_not_balance_another() -> None:
    assert _lines(Line(1, 10, "GL", "5000"), Line(2, 10, "GL", "2930"), Line(3, 10, "GL", "6300")) == {
        1: "pay_account",
        2: "pay_account",
        3: "whole_voucher",
    }


def test_a_voucher_number_of_another_owner_is_another_voucher() -> None:
    assert _lines(Line(1, 10, "BA", "5000"), Line(2, 10, "BA", "1920"), Line(3, 10, "BA", "1920", owner=8)) == {
        1: "pay_account",
        2: "balancing",
    }


def test_the_swedish_chart_has_its_own_pay_accounts() -> None:
    voucher = (
        Line(1, 10, "GL", "7010"),
        Line(2, 10, "GL", "1930"),
        Line(3, 10, "GL", "5010"),
        Line(4, 10, "GL", "2710"),
        Line(5, 11, "GL", "5420"),
        Line(6, 11, "GL", "1930"),
    )
    assert _lines(*voucher, chart=BAS) == {1: "pay_account", 2: "balancing", 4: "pay_account"}


@pytest.mark.parametrize("chart", [OTHER_CHART, None])
def test_a_chart_without_ranges_is_judged_by_the_accounts_flags(chart: int | None) -> None:
    flags = {
        "7000": {"cost_wages_salaries": True, "balance_sheet": False},
        "5000": {"cost_wages_salaries": False, "balance_sheet": False},
        "0100": {"cost_wages_salaries": False, "balance_sheet": True},
        "PAY": {"cost_wages_salaries": True, "balance_sheet": False},
    }
    voucher = (Line(1, 10, "GL", "7000"), Line(2, 10, "GL", "5000"), Line(3, 10, "GL", "0100"))
    other = (Line(4, 11, "GL", "PAY"), Line(5, 11, "GL", "5000"))
    assert _lines(*voucher, *other, chart=chart, flags=flags) == {
        1: "pay_account",
        3: "balancing",
        4: "pay_account",
        5: "whole_voucher",
    }


def test_where_there_are_ranges_the_flags_do_not_count() -> None:
    flags = {"6300": {"cost_wages_salaries": True, "balance_sheet": True}}
    assert _lines(Line(1, 10, "GL", "6300"), Line(2, 10, "GL", "1920"), flags=flags) == {}


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(Line(1, None, "BA", "6300"), id="no voucher"),
        pytest.param(Line(1, 10, None, "6300"), id="no document type"),
        pytest.param(Line(1, 10, "BA", None), id="an account the token does not show"),
        pytest.param(Line(1, None, None, None), id="nothing"),
        pytest.param(Line(1, 10, None, "5000"), id="a pay account without a document type"),
        pytest.param(Line(1, None, "AP", "5000"), id="an invoice without a voucher"),
    ],
)
def test_a_line_that_cannot_be_judged_is_left_out(line: Line) -> None:
    assert _lines(line, Line(2, 10, "BA", "1920"), Line(3, 11, "BA", "6300")) == {1: "unreadable"}


def test_lines_without_a_voucher_are_not_one_voucher() -> None:
    assert _lines(Line(1, None, "BA", "5000"), Line(2, None, "BA", "1920")) == {1: "pay_account", 2: "unreadable"}


def test_in_a_voucher_that_pays_payroll_out_the_balancing_lines_are_left_out() -> None:
    payout = (
        Line(1, 20, "BA", "2400"),
        Line(2, 20, "BA", "1920"),
        Line(3, 20, "BA", "7770"),
        Line(4, 21, "BA", "1920"),
    )
    items = (Item(1, 90, "PR", match=5), Item(2, 20, "BA", match=5))
    assert _lines(*payout, items=items) == {1: "payout", 2: "payout"}


def test_an_invoice_matched_with_payroll_keeps_its_lines() -> None:
    invoice = (Line(1, 20, "AP", "2400"), Line(2, 20, "AP", "6300"))
    assert _lines(*invoice, items=(Item(1, 90, "PR", match=5), Item(2, 20, "AP", match=5))) == {}


def test_match_number_nothing_is_no_match() -> None:
    payment = (Line(1, 20, "BA", "2400"), Line(2, 20, "BA", "1920"))
    assert _lines(*payment, items=(Item(1, 90, "PR", match=0), Item(2, 20, "BA", match=0))) == {}


# Items


def test_an_item_of_a_payroll_type_is_left_out() -> None:
    assert _items(Item(1, 90, "PR"), Item(2, 91, " pr"), Item(3, 92, "AP"), Item(4, 93, "BA")) == {1: "type", 2: "type"}


def test_an_item_of_a_voucher_with_pay_lines_is_left_out() -> None:
    lines = (Line(1, 10, "GL", "5000"), Line(2, 10, "GL", "2400"), Line(3, 11, "AP", "5000"), Line(4, 11, "AP", "2400"))
    items = (Item(1, 10, "GL"), Item(2, 11, "AP"), Item(3, 12, "GL"), Item(4, 10, "GL", owner=8))
    assert _items(*items, lines=lines) == {1: "voucher"}


@pytest.mark.parametrize(
    ("line", "item"),
    [
        pytest.param(None, Item(1, 90, "PR", match=5), id="with an item of a payroll type"),
        pytest.param(Line(1, 10, "PR", "2930", match=5), None, id="with a line of a payroll type"),
        pytest.param(Line(1, 10, "GL", "2930", match=5), None, id="with a line on a pay account"),
    ],
)
def test_an_item_matched_with_payroll_is_left_out(line: Line | None, item: Item | None) -> None:
    matched = (Item(2, 20, "BA", match=5), Item(3, 21, "AP", match=5))
    unmatched = (Item(4, 22, "BA", match=6), Item(5, 23, "BA", match=5, owner=8), Item(6, 24, "BA"))
    left_out = _items(
        *matched,
        *unmatched,
        *([item] if item else []),
        lines=(line, Line(99, 10, line.document_type, "1920")) if line else (),
    )
    assert {db_id: rule for db_id, rule in left_out.items() if db_id != 1} == {2: "match_group", 3: "match_group"}


@pytest.mark.parametrize(
    ("item", "name", "rule"),
    [
        pytest.param(Item(1, 10, "ER", 1), None, None, id="a supplier"),
        pytest.param(Item(1, 10, "ER", 11), None, "employee", id="nobody knows whose"),
        pytest.param(
            Item(1, 10, "ER", 1, ledger_name="Employee"), None, "employee", id="a supplier that is an employee"
        ),
        pytest.param(Item(1, 10, "ER", 1, ledger_code="EMPLOYEE"), None, "employee", id="by the type's code"),
        pytest.param(Item(1, 10, "ER", 1, ledger_name="Ansatte"), None, "employee", id="in Norwegian"),
        pytest.param(Item(1, 10, "ER", 1, ledger_name="anställda"), None, "employee", id="in Swedish"),
        pytest.param(Item(1, 10, "ER", 1, ledger_name="Medarbejder"), None, "employee", id="in Danish"),
        pytest.param(Item(1, 10, "ER", 1), "Ansatt", "employee", id="by the subledger's type"),
        pytest.param(Item(1, 10, "ER", 11, ledger_name="Supplier"), None, None, id="a supplier by its type alone"),
        pytest.param(Item(1, 10, "ER", 11, ledger_name="Leverandører"), None, None, id="the same in Norwegian"),
        pytest.param(Item(1, 10, "ER", 11), "Leverantör", None, id="the same in Swedish, by the subledger"),
        pytest.param(Item(1, 10, "ER", 11, ledger_name="Customer"), None, "employee", id="a customer is no supplier"),
    ],
)
def test_an_item_of_somebody_who_is_no_supplier_is_left_out(item: Item, name: str | None, rule: str | None) -> None:
    names = {item.subledger: name} if name and item.subledger else {}
    assert _items(item, names=names).get(1) == rule


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(Item(1, None, "AP"), id="no voucher"),
        pytest.param(Item(1, 10, None), id="no document type"),
        pytest.param(Item(1, 10, "AP", None), id="no subledger"),
        pytest.param(Item(1, 10, "AP", None, ledger_name="Supplier"), id="no subledger, whatever its type"),
    ],
)
def test_an_item_that_cannot_be_judged_is_left_out(item: Item) -> None:
    assert _items(item, Item(2, 10, "AP")) == {1: "unreadable"}


# Fail closed


def test_pay_accounts_in_use_without_any_payroll_voucher_stop_the_run() -> None:
    ledger = FencedLedger((Line(1, 10, "GL", "5000"), Line(2, 10, "GL", "1920")))
    with pytest.raises(
        PayrollStop, match="1 lines stand on pay accounts but none has a payroll document type"
    ) as raised:
        ledger.judge()
    assert raised.value.exit_code == 3
    assert "PAYROLL_DOCUMENT_TYPES" in str(raised.value)
    assert ledger.expecting_no_payroll().excluded_lines() == {1: "pay_account", 2: "balancing"}


def test_pay_accounts_on_invoices_alone_do_not() -> None:
    assert FencedLedger((Line(1, 10, "AP", "5950"), Line(2, 10, "AP", "2400"))).excluded_lines() == {}


def test_document_types_that_cannot_be_read_stop_the_run() -> None:
    ledger = FencedLedger((Line(1, 10, None, "6300"), Line(2, 11, None, "1920")))
    with pytest.raises(PayrollStop, match="may not read the document type of any ledger line"):
        ledger.judge()
    with pytest.raises(PayrollStop):
        ledger.expecting_no_payroll().judge()


def test_an_empty_ledger_is_no_reason_to_stop() -> None:
    ledger = FencedLedger()
    assert ledger.excluded_lines() == {}
    assert (ledger.fence.seen(TRANSACTIONS), ledger.fence.seen(AP_TRANSACTIONS)) == (0, 0)


# What is told of it


def test_the_evidence_is_counts_and_hashes() -> None:
    ledger = FencedLedger(
        (*PAYROLL, Line(1, 10, "GL", "5000"), Line(20, 10, "GL", "1920"), Line(3, 10, "GL", "2400")),
        (Item(7, 90, "PR"),),
    )
    fence = ledger.judge()
    found = {
        (evidence.root, evidence.rule): (evidence.excluded_ids, evidence.ids_sha256) for evidence in fence.evidence()
    }
    assert found == {
        (TRANSACTIONS, "type"): (2, _sha256(901, 902)),
        (TRANSACTIONS, "pay_account"): (1, _sha256(1)),
        (TRANSACTIONS, "balancing"): (2, _sha256(3, 20)),
        (AP_TRANSACTIONS, "type"): (1, _sha256(7)),
    }
    assert (fence.seen(TRANSACTIONS), fence.excluded(TRANSACTIONS), fence.excluded_by_type(TRANSACTIONS)) == (5, 5, 2)
    assert (fence.seen(AP_TRANSACTIONS), fence.excluded(AP_TRANSACTIONS), fence.excluded_by_type(AP_TRANSACTIONS)) == (
        1,
        1,
        1,
    )


def _sha256(*ids: int) -> str:
    return hashlib.sha256("".join(f"{db_id}\n" for db_id in ids).encode()).hexdigest()


def test_suppliers_that_only_payroll_names_are_not_asked_for() -> None:
    items = (
        Item(1, 90, "PR", 1),
        Item(2, 90, "PR", 2),
        Item(3, 10, "AP", 2),
        Item(4, 90, "PR", 3, match=5),
        Item(5, 20, "BA", 3, match=5),
        Item(6, 11, "AP", 4),
    )
    fence = FencedLedger(PAYROLL, items, subledger_names={5: "Employee", 6: "Supplier", 7: None}).judge()
    assert fence.suppliers_to_ask_for() == [2, 4, 6, 7, 8, 9]


def test_a_fence_that_is_forgotten_is_empty() -> None:
    ledger = FencedLedger(PAYROLL, (Item(1, 90, "PR"),))
    ledger.judge()
    ledger.fence.forget()
    ledger.fence.judge(is_whole_ledger=True)
    assert [ledger.fence.seen(root) for root in (TRANSACTIONS, AP_TRANSACTIONS)] == [0, 0]
    assert list(ledger.fence.evidence()) == []


# Pay posted through the suppliers' ledger

_PAY_THROUGH_AN_OPEN_ITEM = (Line(1, 10, "GL", "5000"), Line(2, 10, "GL", "2400", match=8))
_ITS_PAYMENT = (Line(3, 11, "BA", "2400", match=8), Line(4, 11, "BA", "1920"), Line(5, 11, "BA", "7770"))


def test_what_settles_pay_posted_through_an_open_item_is_a_payout() -> None:
    items = (Item(21, 10, "GL", match=8), Item(22, 11, "BA", match=8))
    ledger = FencedLedger((*_PAY_THROUGH_AN_OPEN_ITEM, *_ITS_PAYMENT, *PAYROLL), items)
    assert ledger.excluded_items() == {21: "voucher", 22: "match_group"}
    assert _lines(*_PAY_THROUGH_AN_OPEN_ITEM, *_ITS_PAYMENT, items=items) == {
        1: "pay_account",
        2: "balancing",
        3: "payout",
        4: "payout",
    }


def test_a_payout_is_known_by_its_ledger_lines_alone() -> None:
    payroll = Line(1, 10, "PR", "2400", match=8)
    assert _lines(payroll, *_ITS_PAYMENT) == {1: "type", 3: "payout", 4: "payout"}


def test_an_invoice_that_is_paid_together_with_pay_keeps_its_item() -> None:
    payment = (Line(1, 10, "BA", "2930"), Line(2, 10, "BA", "2400", match=8), Line(3, 10, "BA", "1920"))
    invoice, settlement = Item(21, 9, "AP", match=8), Item(22, 10, "BA", match=8)
    assert _items(invoice, settlement, lines=payment) == {22: "voucher"}


def test_an_account_whose_flags_cannot_be_read_counts_as_pay_outside_invoices() -> None:
    lines = (Line(1, 10, "BA", "5000"), Line(2, 10, "BA", "1920"), Line(3, 11, "AP", "5000"))
    assert _lines(*lines, chart=None, flags={"1920": {"cost_wages_salaries": False}}) == {
        1: "pay_account",
        2: "balancing",
    }
