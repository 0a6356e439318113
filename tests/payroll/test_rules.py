"""Each rule of the fence on a voucher made for it, and each rule taken out in turn: the voucher must notice."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from types import ModuleType

import duckdb
import pytest

from pipelines.xledger import payroll
from pipelines.xledger.errors import PayrollHit, PayrollStop
from tests.payroll.fence_cases import BY_NAME, CASES, OWNER, PAY_MATCH, Case, Fence, Line, expected, item
from tests.payroll.guard_cases import GUARD_CASES, GuardCase, page_of
from tests.payroll.mutations import MUTATIONS, Mutation


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_line_is_named_by_its_rule(case: Case) -> None:
    assert Fence(payroll, case).rules_given(case) == expected(case)


def hits(rules: ModuleType, case: GuardCase) -> int:
    """Rows that the guard finds in a response, after the voucher that its voucher case names was pre-queried."""
    fence = Fence(rules, BY_NAME[case.after])
    workbench = fence.workbench
    page_of(workbench, case)
    try:
        fence.fence.guard(case.root)(workbench)
    except PayrollHit as hit:
        return hit.rows
    return 0


@pytest.mark.parametrize("case", GUARD_CASES, ids=lambda case: case.name)
def test_the_guard_finds_what_may_not_come(case: GuardCase) -> None:
    assert hits(payroll, case) == int(case.is_forbidden)


@pytest.fixture
def mutated(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    mutation: Mutation = request.param
    source = inspect.getsource(payroll)
    assert source.count(mutation.text) == 1, "the list of mutations must follow the rules"
    module = ModuleType("payroll_mutated")
    sys.modules[module.__name__] = module
    try:
        exec(compile(source.replace(mutation.text, mutation.instead), module.__name__, "exec"), vars(module))  # noqa: S102
        yield module
    finally:
        del sys.modules[module.__name__]


@pytest.mark.parametrize(
    ("mutated", "noticed_by"),
    [pytest.param(mutation, mutation.noticed_by, id=mutation.name) for mutation in MUTATIONS],
    indirect=["mutated"],
)
def test_a_rule_taken_out_is_noticed(mutated: ModuleType, noticed_by: str) -> None:
    guard_case = next((case for case in GUARD_CASES if case.name == noticed_by), None)
    if guard_case is not None:
        assert hits(mutated, guard_case) != int(guard_case.is_forbidden)
    else:
        assert Fence(mutated, BY_NAME[noticed_by]).rules_given(BY_NAME[noticed_by]) != expected(BY_NAME[noticed_by])


def _without_payroll_type(case: Case, **settings: object) -> None:
    Fence(payroll, Case(case.name, case.document_type, case.lines, {"payroll_document_types": ("LX",), **settings}))


def test_pay_accounts_in_use_without_a_payroll_type_stop_the_run() -> None:
    with pytest.raises(PayrollStop, match="LX"):
        _without_payroll_type(BY_NAME["wages_against_bank"])


def test_the_owners_word_that_there_is_no_payroll_is_taken() -> None:
    _without_payroll_type(BY_NAME["wages_against_bank"], no_payroll_expected=True)


def test_evidence_is_hashes_and_counts_alone() -> None:
    case = BY_NAME["payout_told_by_the_match_group_alone"]
    found = list(Fence(payroll, case).fence.evidence())
    assert {(evidence.root, evidence.rule, evidence.excluded_ids) for evidence in found} == {
        ("transactions", "type", 2),
        ("transactions", "payout", 2),
        ("apTransactions", "type", 1),
        ("apTransactions", "match_group", 1),
    }
    assert all(len(evidence.ids_sha256) == 64 for evidence in found)


def test_a_match_group_is_an_owners_own() -> None:
    """The same number in another company is another group."""
    case = Case("", "AP", (Line(6800, None), item(71, "match_group", PAY_MATCH)))
    fence = Fence(payroll, case)
    fence.workbench.execute(f"update fence.ap set owner_db_id = {OWNER + 1} where db_id >= 101")
    fence.fence.judge(is_whole_ledger=True)
    assert fence.rules_given(case) == [(None,), (None,)]


def test_suppliers_that_only_payroll_names_are_not_asked_for() -> None:
    case = BY_NAME["payout_told_by_the_match_group_alone"]
    assert Fence(payroll, case).fence.suppliers_to_ask_for() == [71]


def test_workbench_holds_no_more_than_ids_and_codes() -> None:
    fence = Fence(payroll, CASES[0])
    columns = fence.workbench.execute(
        "select distinct column_name from duckdb_columns() where schema_name = 'fence' and not ends_with(column_name, 'db_id')"
    ).fetchall()
    assert {name for (name,) in columns} == {
        "code", "document_type", "is_balancing", "is_employee", "is_pay", "is_pay_line", "is_payroll_type", "is_supplier",
        "is_tax", "is_unreadable", "is_whole", "ledger_type_code", "ledger_type_name", "match_id", "rule",
    }  # fmt: skip
    assert isinstance(fence.workbench, duckdb.DuckDBPyConnection)
