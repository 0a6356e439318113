"""Small vouchers, each made for one rule of the fence, with the rule that must name each of its lines and items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import duckdb
import pyarrow as pa

from tests.conftest import quick_settings

NORWAY, SWEDEN, OTHER = 2, 3, 9
OWNER = 1
TYPES = {"PR": 5205, "AP": 605, "BA": 611, "ER": 640, "GL": 617, "PL": 618}
SUPPLIER, EMPLOYEE, UNION = 71, 72, 73
# What the register of subledgers says of these; the first stands among the suppliers as well, the second does not.
SUBLEDGERS = {74: "Ansatte", 75: "Leverandører"}
ANSATT, LEVERANDOR = SUBLEDGERS
PAYROLL_VOUCHER, PAY_MATCH = 900, 9_000

# Account id: code, chart, marked as wages, on the balance sheet.
ACCOUNTS: Mapping[int, tuple[str, int | None, bool, bool]] = {
    5000: ("5000", NORWAY, True, False),
    5001: ("5000*", NORWAY, False, False),
    5002: ("50001", NORWAY, False, False),
    5900: ("5900", NORWAY, False, False),
    5999: ("5999", NORWAY, False, False),
    6000: ("6000", NORWAY, False, False),
    1570: ("1570", NORWAY, False, True),
    1740: ("1740", NORWAY, False, True),
    1899: ("1899", NORWAY, False, True),
    1900: ("1900", NORWAY, False, True),
    1920: ("1920", NORWAY, False, True),
    1560: ("1560", NORWAY, False, True),
    1950: ("1950", NORWAY, False, True),
    2700: ("2700", NORWAY, False, True),
    2769: ("2769", NORWAY, False, True),
    2400: ("2400", NORWAY, False, True),
    2610: ("2610", NORWAY, False, True),
    2910: ("2910", NORWAY, False, True),
    2930: ("2930", NORWAY, False, True),
    3000: ("3000", NORWAY, False, False),
    3001: ("3001", NORWAY, False, False),
    6800: ("6800", NORWAY, False, False),
    7210: ("7210", SWEDEN, True, False),
    5010: ("5010", SWEDEN, False, False),
    1630: ("1630", SWEDEN, False, True),
    2650: ("2650", SWEDEN, False, True),
    27100: ("2710", SWEDEN, False, True),
    1930: ("1930", SWEDEN, False, True),
    800: ("WAGES", OTHER, True, False),
    801: ("1200", OTHER, False, True),
    802: ("5000", OTHER, False, False),
    803: ("LØNN", NORWAY, True, False),
}


@dataclass(frozen=True)
class Line:
    """A ledger line, or an item where ``subledger`` is set; ``rule`` is what must name it."""

    account: int | None
    rule: str | None
    match: int = 0
    subledger: int | None = None
    ledger_type: str | None = None


def item(subledger: int | None, rule: str | None, match: int = 0, ledger_type: str | None = "SUPPLIER") -> Line:
    """A supplier-ledger item."""
    return Line(None, rule, match, subledger or 0, ledger_type)


@dataclass(frozen=True)
class Case:
    """One voucher; ``document_type`` None: it cannot be read. A payroll voucher always stands beside it, and ``beside`` too."""

    name: str
    document_type: str | None
    lines: tuple[Line, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    headless: bool = False
    beside: tuple[str, tuple[Line, ...]] | None = None


CASES = (
    Case("payroll_voucher", "PR", (Line(5000, "type"), Line(6800, "type"), item(SUPPLIER, "type"))),
    Case("payroll_type_in_small_letters", "pr", (Line(6800, "type"), Line(1920, "type"))),
    Case("payroll_type_added_in_the_settings", "PL", (Line(6800, "type"), Line(1920, "type")),
         settings={"payroll_document_types": ("PR", "PL")}),
    Case("wages_against_bank", "BA", (Line(5000, "pay_account"), Line(1920, "balancing"))),
    Case("account_codes_with_star_and_five_digits", "GL",
         (Line(5001, "pay_account"), Line(5002, "pay_account"), Line(1920, "balancing"))),
    Case("supplier_invoice_on_a_pay_account", "AP", (Line(5900, None), Line(5000, None), Line(2400, None), item(SUPPLIER, None))),
    Case("invoice_beside_wages", "AP", (Line(6800, None), Line(2400, None), item(SUPPLIER, None)),
         beside=("BA", (Line(5000, "pay_account"), Line(1920, "balancing")))),
    Case("gifts_by_card", "BA", (Line(5900, "pay_account"), Line(1920, "balancing"))),
    Case("ends_of_the_pay_range", "GL", (Line(5999, "pay_account"), Line(6000, None), Line(1920, "balancing"))),
    Case("ends_of_the_balancing_range", "GL",
         (Line(5000, "pay_account"), Line(1899, None), Line(1900, "balancing"), Line(3000, "balancing"), Line(3001, None))),
    Case("mixed_voucher_keeps_its_cost", "BA", (Line(5000, "pay_account"), Line(6800, None), Line(1920, "balancing"))),
    Case("no_balancing_line", "GL", (Line(5000, "pay_account"), Line(6800, "whole_voucher"))),
    Case("wages_recharged_with_tax", "GL",
         (Line(1560, "whole_voucher"), Line(5000, "pay_account"), Line(2700, "whole_voucher"), Line(2769, "whole_voucher"))),
    Case("tax_beside_a_balance", "BA",
         (Line(5000, "pay_account"), Line(6800, None), Line(2700, "balancing"), Line(1920, "balancing"))),
    Case("withheld_tax_set_aside", "BA", (Line(1950, "pay_account"), Line(1920, "balancing"))),
    Case("swedish_tax_account", "BA", (Line(1630, "pay_account"), Line(1930, "balancing"))),
    Case("swedish_tax_return", "GL", (Line(27100, "pay_account"), Line(2650, "whole_voucher"), Line(1630, "pay_account"))),
    Case("pay_owed_is_no_balance", "GL", (Line(2930, "pay_account"), Line(6800, "whole_voucher"))),
    Case("item_matched_with_a_pay_line", "AP", (Line(6800, None), Line(2400, None), item(SUPPLIER, "match_group", 55)),
         beside=("BA", (Line(2910, "pay_account", 55), Line(1920, "balancing")))),
    Case("expense_report_keeps_its_cost", "ER",
         (Line(2910, "pay_account"), Line(6800, None), item(EMPLOYEE, "voucher", 0, "EMPLOYEE"))),
    Case("staff_receivable_below_1900", "BA", (Line(1570, "pay_account"), Line(1740, "pay_account"), Line(1920, "balancing"))),
    Case("payout_on_the_net_pay_account", "BA",
         (Line(2930, "pay_account", PAY_MATCH), Line(1920, "balancing"), item(EMPLOYEE, "voucher", PAY_MATCH, "EMPLOYEE"))),
    Case("payout_told_by_the_match_group_alone", "BA",
         (Line(2400, "payout", PAY_MATCH), Line(1920, "payout"), Line(6800, None),
          item(UNION, "match_group", PAY_MATCH), item(SUPPLIER, None, 44))),
    Case("payout_told_by_its_lines", "BA", (Line(2400, "payout", PAY_MATCH), Line(1920, "payout"), Line(6800, None))),
    Case("pay_posted_through_an_open_item", "BA",
         (Line(2400, "payout", 66), Line(1920, "payout"), item(UNION, "match_group", 66)),
         beside=("GL", (Line(5000, "pay_account"), Line(2400, "balancing", 66), item(UNION, "voucher", 66)))),
    Case("matched_with_nothing", "BA", (Line(2400, None), Line(1920, None), item(SUPPLIER, None))),
    Case("invoice_settled_by_payroll", "AP",
         (Line(2400, None, PAY_MATCH), Line(6800, None), item(UNION, "match_group", PAY_MATCH))),
    Case("expense_report_without_pay_account", "ER",
         (Line(6800, None), Line(2400, None), item(EMPLOYEE, "employee", 0, "EMPLOYEE"))),
    Case("employee_told_by_no_supplier_register", "AP", (Line(6800, None), Line(2400, None), item(EMPLOYEE, "employee", 0, None))),
    Case("employee_among_the_suppliers", "AP", (Line(6800, None), Line(2400, None), item(SUPPLIER, "employee", 0, "Ansatt"))),
    Case("supplier_told_by_no_ledger_type", "AP", (Line(6800, None), Line(2400, None), item(SUPPLIER, None, 0, None))),
    Case("employee_told_by_the_register", "AP", (Line(6800, None), Line(2400, None), item(ANSATT, "employee", 0, None))),
    Case("supplier_told_by_the_register", "AP", (Line(6800, None), Line(2400, None), item(LEVERANDOR, None, 0, None))),
    Case("no_document_type", None, (Line(6800, "unreadable"), item(SUPPLIER, "unreadable"))),
    Case("no_voucher", "GL", (Line(6800, "unreadable"), item(SUPPLIER, "unreadable")), headless=True),
    Case("no_account", "GL", (Line(None, "unreadable"), Line(6800, None))),
    Case("swedish_wages", "BA", (Line(7210, "pay_account"), Line(5010, None), Line(1930, "balancing"))),
    Case("another_chart", "GL", (Line(800, "pay_account"), Line(802, None), Line(801, "balancing"))),
    Case("account_without_a_number", "BA", (Line(803, "pay_account"), Line(1920, "balancing"))),
)  # fmt: skip
BY_NAME = {case.name: case for case in CASES}

_PAYROLL = Case(
    "", "PR", (Line(5000, "type"), Line(2930, "type", PAY_MATCH), item(EMPLOYEE, "type", PAY_MATCH, "EMPLOYEE"))
)


class Fence:
    """A fence filled with a case; built on any module of rules."""

    def __init__(self, rules: ModuleType, case: Case) -> None:
        self.workbench = duckdb.connect()
        settings = quick_settings("http://127.0.0.1/graphql", "token")
        self.fence = rules.PayrollFence(self.workbench, replace(settings, **case.settings))
        self.fence.take_accounts(_accounts())
        self.fence.take("supplier", pa.table({"db_id": [SUPPLIER, UNION, ANSATT]}))
        subledgers = {"db_id": [*SUBLEDGERS], "ledger_type_name": [*SUBLEDGERS.values()]}
        self.fence.take("subledger", pa.table(subledgers))
        self.fence.take("gl", _lines(_PAYROLL, PAYROLL_VOUCHER, 1))
        self.fence.take("ap", _items(_PAYROLL, PAYROLL_VOUCHER, 1))
        if case.beside:
            self.fence.take("gl", _lines(Case("", *case.beside), 2, 51))
        self.fence.take("gl", _lines(case, 1, 101))
        self.fence.take("ap", _items(case, 1, 101))
        self.fence.judge(is_whole_ledger=True)

    def rules_given(self, case: Case) -> list[tuple[str | None, ...]]:
        """For lines, then items: the rule that names each, in order."""
        given = []
        for table in ("gl", "ap"):
            named = dict(self.workbench.execute(f"select db_id, rule from fence.{table}_excluded").fetchall())
            rows = [line for line in case.lines if (line.subledger is None) == (table == "gl")]
            given.append(tuple(named.get(101 + number) for number in range(len(rows))))
        return given


def expected(case: Case) -> list[tuple[str | None, ...]]:
    """What `Fence.rules_given` must give."""
    return [
        tuple(line.rule for line in case.lines if line.subledger is None),
        tuple(line.rule for line in case.lines if line.subledger is not None),
    ]


def _accounts() -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"db_id": db_id, "code": code, "chart_of_account_db_id": chart, "cost_wages_salaries": pay, "balance_sheet": sheet}
            for db_id, (code, chart, pay, sheet) in ACCOUNTS.items()
        ]
    )  # fmt: skip


def _voucher(case: Case, header: int) -> dict[str, Any]:
    return {
        "owner_db_id": OWNER,
        "header_db_id": None if case.headless else header,
        "document_type_db_id": TYPES.get((case.document_type or "").upper()),
        "document_type": case.document_type,
    }


def _lines(case: Case, header: int, first_id: int) -> pa.Table:
    columns = {"owner_db_id": pa.int64(), "db_id": pa.int64(), "header_db_id": pa.int64(), "account_db_id": pa.int64(),
               "match_id": pa.int64(), "document_type_db_id": pa.int64(), "document_type": pa.string()}  # fmt: skip
    lines = [line for line in case.lines if line.subledger is None]
    rows = [
        _voucher(case, header) | {"db_id": first_id + number, "account_db_id": line.account, "match_id": line.match}
        for number, line in enumerate(lines)
    ]
    return pa.Table.from_pylist(rows, pa.schema(columns))


def _items(case: Case, header: int, first_id: int) -> pa.Table:
    columns = {"owner_db_id": pa.int64(), "db_id": pa.int64(), "header_db_id": pa.int64(), "subledger_db_id": pa.int64(),
               "match_id": pa.int64(), "document_type_db_id": pa.int64(), "document_type": pa.string(),
               "ledger_type_code": pa.string(), "ledger_type_name": pa.string()}  # fmt: skip
    items = [line for line in case.lines if line.subledger is not None]
    rows = [
        _voucher(case, header)
        | {"db_id": first_id + number, "subledger_db_id": line.subledger, "match_id": line.match,
           "ledger_type_code": None, "ledger_type_name": line.ledger_type}
        for number, line in enumerate(items)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, pa.schema(columns))
