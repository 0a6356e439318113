"""Responses as they may come back, one row each, and whether the guard must throw them away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb

from pipelines.xledger.payroll import AP_TRANSACTIONS, TRANSACTIONS
from tests.payroll.fence_cases import EMPLOYEE, OWNER, PAY_MATCH, SUPPLIER

_LINE = {
    "dbId": 101,
    "ownerDbId": OWNER,
    "accountDbId": 6800,
    "matchId": 0,
    "header.dbId": 1,
    "header.transactionSource.code": "GL",
}
_ITEM = {
    "dbId": 101,
    "ownerDbId": OWNER,
    "subledgerDbId": SUPPLIER,
    "matchId": 0,
    "ledgerType.code": "S",
    "ledgerType.name": "SUPPLIER",
    "transactionHeader.dbId": 1,
    "transactionHeader.transactionSource.code": "AP",
}


@dataclass(frozen=True)
class GuardCase:
    """A row of a response: an innocent one with ``changes``, after the pre-queries saw the voucher case ``after``."""

    name: str
    root: str
    is_forbidden: bool
    changes: dict[str, Any] = field(default_factory=dict)
    after: str = "supplier_invoice_on_a_pay_account"


GUARD_CASES = (
    GuardCase("innocent_line", TRANSACTIONS, False),
    GuardCase("re_typed_line", TRANSACTIONS, True, {"header.transactionSource.code": "PR"}),
    GuardCase("re_typed_line_in_small_letters", TRANSACTIONS, True, {"header.transactionSource.code": " pr"}),
    GuardCase("line_moved_to_a_pay_account", TRANSACTIONS, True, {"accountDbId": 5000}),
    GuardCase("invoice_line_on_a_pay_account", TRANSACTIONS, False, {"accountDbId": 5900, "header.transactionSource.code": "AP"}),
    GuardCase("excluded_line", TRANSACTIONS, True, {}, "no_balancing_line"),
    GuardCase("line_nobody_announced", TRANSACTIONS, True, {"dbId": 999}),
    GuardCase("line_on_an_unknown_account", TRANSACTIONS, True, {"accountDbId": 4711}),
    GuardCase("line_without_account", TRANSACTIONS, True, {"accountDbId": None}),
    GuardCase("line_without_voucher", TRANSACTIONS, True, {"header.dbId": None}),
    GuardCase("line_without_type", TRANSACTIONS, True, {"header.transactionSource.code": None}),
    GuardCase("balance_moved_into_a_pay_voucher", TRANSACTIONS, True, {"dbId": 102, "accountDbId": 1920, "header.dbId": 1},
              "mixed_voucher_keeps_its_cost"),
    GuardCase("balance_moved_into_a_payout", TRANSACTIONS, True, {"dbId": 103, "accountDbId": 1920, "header.dbId": 1},
              "payout_told_by_the_match_group_alone"),
    GuardCase("cost_in_a_pay_voucher", TRANSACTIONS, False, {"dbId": 102}, "mixed_voucher_keeps_its_cost"),
    GuardCase("innocent_item", AP_TRANSACTIONS, False),
    GuardCase("re_typed_item", AP_TRANSACTIONS, True, {"transactionHeader.transactionSource.code": "PR"}),
    GuardCase("item_without_voucher", AP_TRANSACTIONS, True, {"transactionHeader.dbId": None}),
    GuardCase("item_without_type", AP_TRANSACTIONS, True, {"transactionHeader.transactionSource.code": None}),
    GuardCase("item_of_an_employee", AP_TRANSACTIONS, True, {"ledgerType.name": "Employee"}),
    GuardCase("item_without_subledger", AP_TRANSACTIONS, True, {"subledgerDbId": None}),
    GuardCase("item_of_no_supplier", AP_TRANSACTIONS, True,
              {"subledgerDbId": EMPLOYEE, "ledgerType.name": None, "ledgerType.code": None}),
    GuardCase("excluded_item", AP_TRANSACTIONS, True, {}, "expense_report_without_pay_account"),
    GuardCase("item_nobody_announced", AP_TRANSACTIONS, True, {"dbId": 999}),
    GuardCase("item_moved_into_a_pay_voucher", AP_TRANSACTIONS, True, {"transactionHeader.dbId": 2}, "invoice_beside_wages"),
    GuardCase("item_matched_with_payroll_meanwhile", AP_TRANSACTIONS, True, {"matchId": PAY_MATCH}),
)  # fmt: skip


def page_of(workbench: duckdb.DuckDBPyConnection, case: GuardCase) -> None:
    """The response's row as landing parses it: a temporary table with a column a leaf."""
    row = (_LINE if case.root == TRANSACTIONS else _ITEM) | case.changes
    kinds = {name: "bigint" if name.endswith("Id") else "varchar" for name in row}
    columns = ", ".join(f'?::{kind} as "{name}"' for name, kind in kinds.items())
    workbench.execute(f"create or replace temp table page as select {columns}", list(row.values()))
