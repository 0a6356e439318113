"""The small ledger through the whole project, against sums worked out by hand from its vouchers."""

from __future__ import annotations

import re
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.dbt.conftest import Build, run_dbt


def test_the_build_passes_without_a_warning(small: Build) -> None:
    assert small.exit_code == 0, small.output
    assert "WARN=0 ERROR=0 SKIP=0" in small.output
    assert "deprecat" not in small.output.lower()


def test_every_unit_test_holds(small: Build) -> None:
    tested = run_dbt(small.data_dir, "test", "--select", "test_type:unit")
    assert tested.exit_code == 0, tested.output
    assert re.search(r"PASS=\d{2,} WARN=0 ERROR=0 SKIP=0", tested.output)


def test_the_marts_file_holds_marts_and_audit_and_nothing_else(small: Build) -> None:
    relations = small.query(
        "select schema_name, 'table' from duckdb_tables() union all "
        "select schema_name, 'view' from duckdb_views() where not internal"
    )

    assert {schema for schema, _ in relations} == {"marts", "audit"}
    assert {kind for _, kind in relations} == {"table"}


def test_every_mart_but_the_facts_has_an_index_and_every_column_a_comment(small: Build) -> None:
    without_key = small.query(
        "select table_name from duckdb_tables() where table_name not in "
        "(select table_name from duckdb_constraints() where constraint_type = 'PRIMARY KEY') "
        "order by 1"
    )
    without_comment = small.query(
        "select table_name, column_name from duckdb_columns() where not internal and coalesce(comment, '') = '' "
        "union all select table_name, '' from duckdb_tables() where coalesce(comment, '') = ''"
    )

    assert without_key == [("fct_ap_invoice",), ("fct_ledger_line",), ("fct_spend",)]
    assert without_comment == []


def test_money_is_decimal_everywhere(small: Build) -> None:
    floats = small.query(
        "select table_name, column_name from duckdb_columns() where not internal and data_type in ('DOUBLE', 'FLOAT')"
    )

    assert floats == []


def test_spend_by_supplier(small: Build) -> None:
    spend = dict(small.query("select supplier_name, sum(amount_net) from marts.fct_spend group by all"))

    assert spend == {
        # Vouchers 1 and 3 (1000 - 400), 4 (300 + 700, both records of one organisation number), two thirds of 5,
        # prepaid rent, canteen.
        "Grossisten AS": Decimal("1000") - 400 + 300 + 700 + 200 + 12000 + 400,
        # A third of voucher 5; 1899, 43001 and the account without a number of voucher 12.
        "Utan nummer": Decimal("100") + 33,
        "Nordhavn Drift AS": Decimal("1150"),
        "Employee expenses": Decimal("1500"),
        # Bank charge, card purchase, invoice without its supplier item
        None: Decimal("30") + 90 + 75,
    }


@pytest.mark.parametrize(
    ("voucher", "expected"),
    [
        pytest.param(1, [("4300", "header_single_supplier", "A-1001", "2024-01-05", 800, 1000),
                         ("6860", "header_single_supplier", "A-1001", "2024-01-05", 200, 250)], id="invoice"),
        pytest.param(2, [("7770", "none_bank_fee", None, "2024-02-01", 30, 30)], id="payment gives its bank charge alone"),
        pytest.param(3, [("4300", "header_single_supplier", "A-1002", "2024-02-10", -400, -500)], id="credit note"),
        pytest.param(4, [("4300", "amount_match", "C-9", "2024-02-29", 700, 700),
                         ("6300", "invoice_reference", "B-77", "2024-02-28", 300, 300)], id="two suppliers"),
        pytest.param(10, [("1710", "header_single_supplier", "R-2024", "2024-05-01", 12000, 12000)],
                     id="prepaid counts when invoiced"),
        pytest.param(11, [], id="release of prepaid is no spend"),
        pytest.param(13, [("5900", "line_company", "F-6", "2024-06-02", 400, 400)], id="canteen"),
    ],
)  # fmt: skip
def test_lines_of_a_voucher(small: Build, voucher: int, expected: list[tuple[object, ...]]) -> None:
    lines = small.query(
        "select account_code, supplier_attribution_method, invoice_number, spend_date::varchar, amount_net, amount_gross "
        f"from marts.fct_spend where voucher_number = {voucher} order by account_code"
    )

    assert lines == expected


def test_pro_rata_parts_add_up_to_the_line(small: Build) -> None:
    parts = small.query(
        "select account_code, list(amount_net order by spend_id) from marts.fct_spend where voucher_number = 5 "
        "group by all order by 1"
    )

    assert parts == [
        ("6300", [Decimal("33.33")] * 3),
        ("6860", [Decimal("66.67")] * 3),
    ]


def test_every_line_left_out_has_its_reason(small: Build) -> None:
    reasons = small.query(
        "select voucher_number, account_code, exclusion_reason from marts.fct_ledger_line "
        "where not is_spend and voucher_number in (8, 9, 12, 15) order by all"
    )

    assert reasons == [
        (8, "1500", "account_guard:receivables"),
        (8, "1920", "account_range"),
        (9, "1500", "document_type"),
        (9, "2710", "document_type"),
        (9, "3000", "document_type"),
        (12, "1900*", "account_range"),
        (12, "2400", "account_range"),
        (12, "3000", "account_range"),
        (12, "3001", "account_guard:revenue"),
        (15, "2400", "account_range"),
        (15, "2400", "account_range"),
        (15, "8060", "account_guard:financial_items"),
    ]


def test_the_bridge_leads_from_the_ledger_to_spend(small: Build) -> None:
    bridge = small.query(
        "select step, detail, line_count, amount from audit.spend_bridge where owner_db_id = 1 order by step_number, detail"
    )

    assert bridge == [
        ("received", "all", 47, Decimal("1500")),
        ("removed by document_type", "AR", -3, 0),
        ("removed by document_type", "GL", -2, 0),
        ("removed by document_type", "OS", -2, 0),
        ("removed by account_range", "all", -20, Decimal("10289.01")),
        ("spend by the literal rule", "all", 20, Decimal("11789.01")),
        ("removed by account_guard", "financial_items", -1, Decimal("-0.01")),
        ("removed by account_guard", "receivables", -1, Decimal("5000")),
        ("removed by account_guard", "revenue", -1, Decimal("-11")),
        ("spend", "all", 17, Decimal("16778")),
    ]


def test_one_organisation_number_is_one_supplier(small: Build) -> None:
    suppliers = small.query(
        "select supplier_id, supplier_name, supplier_codes, source_supplier_ids, is_intercompany from marts.dim_supplier order by 1"
    )

    assert suppliers == [
        ("employee-expenses", "Employee expenses", None, None, False),
        ("org-no-910244132", "Grossisten AS", "5001, 5002", "1-11, 1-12", False),
        ("org-no-974760673", "Nordhavn Drift AS", "5004", "1-14", True),
        ("source-1-13", "Utan nummer", "5003", "1-13", False),
    ]


def test_a_company_without_currency_gets_the_one_of_its_lines(small: Build) -> None:
    owners = small.query("select owner_name, company_currency, is_currency_inferred from marts.dim_owner order by 1")

    assert owners == [("Nordhavn AS", "NOK", False), ("Nordhavn Drift AS", "NOK", True)]


def test_a_dimension_value_is_shown_by_code_and_name(small: Build) -> None:
    shown = small.query(
        "select dimension_1_code, dimension_1_name from marts.fct_spend where dimension_1_code is not null"
    )

    assert shown == [("100", "Warehouse")]


def test_a_foreign_invoice_keeps_both_currencies(small: Build) -> None:
    amounts = small.query(
        "select amount_net, company_currency, transaction_amount, transaction_currency from marts.fct_spend "
        "where voucher_number = 15"
    )

    assert amounts == [(Decimal("1150"), "NOK", Decimal("100"), "EUR")]


def test_the_literal_rule_alone_can_be_chosen(small: Build, tmp_path: Path) -> None:
    shutil.copytree(small.data_dir / "build", tmp_path / "build")

    literal = run_dbt(
        tmp_path,
        "build",
        *("--select", "+fct_spend", "+fct_ledger_line", "+spend_bridge"),
        *("--exclude-resource-type", "unit_test"),
        variables={"account_guard": False, "spend_date_rule": "posted_date"},
    )

    assert literal.exit_code == 0, literal.output
    assert literal.query("select sum(amount_net) from marts.fct_spend where owner_db_id = 1") == [
        (Decimal("11789.01"),)
    ]
    assert literal.query("select distinct is_applied from audit.spend_bridge where step_number = 5") == [(False,)]
    assert literal.query("select count(*) from marts.fct_spend where spend_date <> posted_date") == [(0,)]


def test_d14_a_deleted_voucher_vanishes_and_a_changed_one_counts_once(small: Build, tmp_path: Path) -> None:
    shutil.copytree(small.data_dir / "build", tmp_path / "build")
    with duckdb.connect(str(tmp_path / "build" / "warehouse.duckdb")) as connection:
        connection.execute("delete from raw_xledger.transaction where header_db_id = 9007")
        connection.execute("update raw_xledger.transaction set amount = amount * 2 where header_db_id = 9010")

    rebuilt = run_dbt(
        tmp_path,
        "build",
        "--select",
        "+fct_spend",
        "+fct_ledger_line",
        "+spend_bridge",
        "--exclude-resource-type",
        "unit_test",
    )

    assert rebuilt.exit_code == 0, rebuilt.output
    assert rebuilt.query("select voucher_number, amount_net from marts.fct_spend where voucher_number in (7, 10)") == [
        (10, Decimal("24000"))
    ]
