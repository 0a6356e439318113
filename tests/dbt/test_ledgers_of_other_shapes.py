"""Ledgers that a company can really have: empty, with one supplier, with an unknown chart or document type."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from tests.dbt.conftest import Build, run_dbt
from tests.dbt.raw_warehouse import RawWarehouse

MODELS = ("build", "--resource-type", "seed", "--resource-type", "model", "--resource-type", "snapshot")
MODELS_AND_TESTS = ("build", "--exclude-resource-type", "unit_test")
BRITISH, NORWEGIAN, SWEDISH = 6, 2, 3


@dataclass(frozen=True)
class Bought:
    """One voucher of 100 on an account, against trade creditors."""

    document_type: str
    chart: int
    code: str
    flags: dict[str, bool] = field(default_factory=dict)


CASES = {
    "British chart, by flags": (
        Bought("AP", BRITISH, "7600", {"cost_other_operating": True}),
        "other_operating_cost",
        None,
    ),
    "new chart without flags": (Bought("AP", BRITISH, "9998"), "Unmapped", None),
    "pay by its flag": (Bought("AP", BRITISH, "7000", {"cost_wages_salaries": True}), "personnel", "account_guard:pay"),
    "asset that a supplier invoiced": (Bought("AP", BRITISH, "0030", {"asset": True}), "assets", None),
    "asset in a bank voucher": (
        Bought("BA", BRITISH, "1200", {"asset": True}),
        "assets",
        "account_guard:balance_sheet",
    ),
    "new document type": (Bought("ZZ", NORWEGIAN, "6300"), "other_operating_cost", "document_type"),
    "Swedish 5xxx is no pay": (Bought("AP", SWEDISH, "5010"), "other_operating_cost", None),
    "Swedish training on an invoice": (Bought("AP", SWEDISH, "7610"), "personnel", None),
    "Swedish pay": (Bought("BA", SWEDISH, "7210"), "personnel", "account_guard:pay"),
    "Swedish depreciation": (Bought("AP", SWEDISH, "7832"), "depreciation", "account_guard:depreciation"),
}


def _post(raw: RawWarehouse, number: int, bought: Bought) -> None:
    creditors = number + 1000
    raw.add("account",
        {"owner_db_id": 1, "db_id": number, "chart_of_account_db_id": bought.chart, "code": bought.code, **bought.flags},
        {"owner_db_id": 1, "db_id": creditors, "chart_of_account_db_id": bought.chart, "code": "2400", "liabilities": True},
    )  # fmt: skip
    raw.add("transaction_header", {
        "owner_db_id": 1, "db_id": number, "transaction_number": number, "posted_date": "2024-01-01",
        "transaction_source_code": bought.document_type,
    })  # fmt: skip
    raw.add("transaction",
        {"owner_db_id": 1, "db_id": number, "header_db_id": number, "account_db_id": number, "amount": "100"},
        {"owner_db_id": 1, "db_id": creditors, "header_db_id": number, "account_db_id": creditors, "amount": "-100"},
    )  # fmt: skip
    raw.add("ap_transaction", {
        "owner_db_id": 1, "db_id": number, "transaction_header_db_id": number, "subledger_db_id": 5, "amount": "-100",
        "transaction_header_transaction_source_code": bought.document_type,
    })  # fmt: skip


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """All cases in one ledger of one company and one supplier, whose record was not received."""
    data_dir = tmp_path_factory.mktemp("mixed")
    with RawWarehouse(data_dir) as raw:
        for number, (bought, *_) in enumerate(CASES.values(), 1):
            _post(raw, number, bought)
        raw.add("sync_run", {"run_id": "first", "landed_at": "2024-02-01 12:00:00"})
        raw.add("payroll_exclusion", {
            "run_id": "first", "root": "transactions", "rule": "type", "excluded_ids": 0, "rows_seen": 2 * len(CASES),
            "rows_received": 2 * len(CASES), "rows_excluded": 0,
        })  # fmt: skip
    built = run_dbt(data_dir, *MODELS)
    assert built.exit_code == 0, built.output
    assert "WARN=0 ERROR=0 SKIP=0" in built.output
    return built


@pytest.mark.parametrize("name", CASES)
def test_a_line_of_another_chart_or_type(mixed: Build, name: str) -> None:
    number = 1 + list(CASES).index(name)
    _, account_class, reason = CASES[name]

    judged = mixed.query(
        f"select account_class, exclusion_reason from marts.fct_ledger_line where transaction_db_id = {number}"
    )

    assert judged == [(account_class, reason)]


def test_a_supplier_without_its_record_is_still_one_supplier(mixed: Build) -> None:
    spend = mixed.query("select supplier_id, supplier_name, sum(amount_net) from marts.fct_spend group by all")
    supplier = mixed.query("select supplier_id, spend_amount, source_supplier_count from marts.dim_supplier")

    assert spend == [("source-1-5", None, Decimal("500"))]
    assert supplier == [("source-1-5", None, 0)]


def test_a_new_type_and_a_chart_without_rules_are_told_of(mixed: Build) -> None:
    told = mixed.query(
        "select finding, subject, amount, item_count from audit.data_quality "
        "where finding in ('document_type_not_chosen', 'unmapped_account') order by all"
    )

    assert told == [
        ("document_type_not_chosen", "ZZ", Decimal("100"), 1),
        ("unmapped_account", "9998", Decimal("100"), 1),
    ]


def test_a_company_without_payroll_says_that_nothing_was_left_out(mixed: Build) -> None:
    evidence = mixed.query("select excluded_ids, rows_seen = rows_received from audit.payroll_exclusions")

    assert evidence == [(0, True)]


def test_an_empty_ledger_gives_empty_marts(tmp_path: Path) -> None:
    with RawWarehouse(tmp_path):
        pass

    built = run_dbt(tmp_path, *MODELS_AND_TESTS)

    assert built.exit_code == 0, built.output
    assert "WARN=0 ERROR=0 SKIP=0" in built.output
    assert built.query("select count(*) from marts.fct_spend") == [(0,)]
    assert built.query("select count(*) from audit.spend_bridge") == [(0,)]
