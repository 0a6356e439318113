"""Payroll never arrives, case by case and row by row, on the sandbox's labelled truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pipelines.xledger.payroll import ALLOWED_OF_PAYROLL
from tests.payroll.conftest import Done
from tests.payroll_search import Canaries, everything_below

CASES = (
    "P1", "P3", "P4", "P5", "P6", "P7", "P8", "P8_board", "P_5900_AP", "P_5900_BA", "mixed_voucher", "whole_voucher", "D8",
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_no_pay_of_the_case_arrives_and_all_else_does(done: Done, case: str) -> None:
    [(rows,)] = done.connect().execute("select count(*) from truth.line where case_label = ?", [case]).fetchall()
    assert rows
    for truth in ("line", "ap"):
        assert done.missing_and_leaked(truth, f"case_label = '{case}'") == (0, 0)


@pytest.mark.parametrize("truth", ["line", "ap"], ids=["P1_lines", "P2_items"])
def test_all_rows_but_payroll_arrive(done: Done, truth: str) -> None:
    assert done.missing_and_leaked(truth) == (0, 0)


def test_a_suppliers_invoice_for_training_arrives(done: Done) -> None:
    """5900 on a supplier's invoice is spend; on a card payment it is pay."""
    found = (
        done.connect()
        .execute(
            "select case_label, count(raw.db_id) from truth.line "
            "left join warehouse.raw_xledger.transaction as raw using (owner_db_id, db_id) "
            "where account_code = '5900' and case_label like 'P_5900%' group by all order by all"
        )
        .fetchall()
    )
    assert found == [("P_5900_AP", 1), ("P_5900_BA", 0)]


def test_what_is_left_of_a_voucher_with_pay_does_not_tell_the_pay(done: Done) -> None:
    """A voucher adds up to zero: with a balancing line left, the lines that arrived would give the pay as their sum."""
    left = (
        done.connect()
        .execute(
            """
            with vouchers as (
                select owner_db_id, header_db_id, sum(amount) filter (where payroll_rule = 'pay_account') as pay
                from truth.line where document_type <> 'PR' group by all having bool_or(payroll_rule = 'pay_account')
            ),
            arrived as (
                select owner_db_id, header_db_id, sum(raw.amount) as rest, sum(raw.amount + raw.tax_amount) as gross
                from warehouse.raw_xledger.transaction as raw group by all
            )
            select count(*), count(*) filter (where abs(rest) = abs(pay) or abs(gross) = abs(pay))
            from vouchers inner join arrived using (owner_db_id, header_db_id)
            where (owner_db_id, header_db_id) not in (
                select (owner_db_id, header_db_id) from truth.line where document_type = 'ER')
            """
        )
        .fetchone()
    )
    assert left
    assert left[0] > 0
    assert left[1] == 0


def test_no_payroll_in_any_response(done: Done) -> None:
    assert done.payroll_in_responses() == set()


def test_no_payroll_in_anything_the_read_left(done: Done) -> None:
    canaries = Canaries.of(done.truth)
    assert len(canaries.words) > 50
    for where, text in everything_below(done.read.warehouse.data_dir):
        assert canaries.found_in(text) == set(), where


def _leaves(node: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in node.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, name))
        elif value is not None:
            yield (*path, name)


@pytest.mark.parametrize(("root", "truth"), [("transactions", "line"), ("apTransactions", "ap")])
def test_of_payroll_rows_nothing_but_ids_and_codes_is_on_the_wire(done: Done, root: str, truth: str) -> None:
    payroll = {
        str(db_id)
        for (db_id,) in done.connect().execute(f"select db_id from truth.{truth} where is_payroll").fetchall()
    }
    seen: set[tuple[str, ...]] = set()
    for sent in done.wire:
        connection = (json.loads(sent["response"]).get("data") or {}).get(root)
        for edge in (connection or {}).get("edges") or ():
            if str(edge["node"]["dbId"]) in payroll:
                seen |= set(_leaves(edge["node"]))
    assert {("dbId",), ("ownerDbId",)} <= seen <= ALLOWED_OF_PAYROLL[root]


def test_employees_are_never_asked_for_by_more_than_their_kind(done: Done) -> None:
    columns = [
        name
        for (name,) in done.connect()
        .execute("select column_name from (describe warehouse.raw_xledger.subledger)")
        .fetchall()
    ]
    assert [name for name in columns if not name.startswith("_dlt")] == [
        "owner_db_id", "db_id", "subledger_group_db_id", "ledger_type_db_id", "ledger_type_name",
    ]  # fmt: skip


def test_the_pre_queries_asked_for_the_lines_in_question_alone(done: Done) -> None:
    """Else the rest of this folder would try one way of the fence only."""
    asked = [sent["variables"]["filter"] for sent in done.wire if sent["operation"] == "payrollTransactions"]
    assert any("accountDbId_in" in conditions for conditions in asked)
