"""The marts against the truth that the sandbox's generator wrote down beside the ledger."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Synced
from tests.dbt.conftest import run_dbt

# A line that several suppliers share has one row for each of them in truth.split, every other one its supplier on the line.
TRUE_PARTS = """
    select
        line.*,
        coalesce(split.supplier_db_id, line.supplier_db_id) as true_supplier,
        coalesce(split.amount, line.amount) as true_amount
    from truth.main.line as line
    left join truth.main.split as split on line.owner_db_id = split.owner_db_id and line.db_id = split.db_id
    where not line.is_payroll
"""
CUTS = {
    "owner": ("owner_db_id", "owner_db_id"),
    "account": ("owner_db_id || ' ' || account_code", "owner_db_id || ' ' || account_code"),
    "month of posting": ("date_trunc('month', posted_date)", "date_trunc('month', posted_date)"),
    "month of spend": ("date_trunc('month', spend_date)", "date_trunc('month', spend_date)"),
    "supplier": ("true_supplier", "supplier_db_id"),
    "document type": ("document_type", "document_type"),
    "category": ("coalesce(category, 'Uncategorised')", "category_level_3"),
}


def _different(truth: Path, marts: Path, flag: str, cut: str) -> list[tuple[object, ...]]:
    """Groups in which the true spend and the marts' differ."""
    true_group, mart_group = CUTS[cut]
    # The literal rule leaves in pairs that net to zero (VAT basis): nobody's by the truth, their voucher's supplier's here.
    counts_lines = flag == "is_spend_guarded" or cut != "supplier"
    with duckdb.connect() as connection:
        connection.execute(f"attach '{truth}' as truth (read_only); attach '{marts}' as spend (read_only)")
        return connection.execute(f"""
            with true_spend as (
                select {true_group} as cut, sum(true_amount) as amount, count(*) as parts
                from ({TRUE_PARTS}) where {flag} group by all
            ),
            mart_spend as (
                select {mart_group} as cut, sum(amount_net) as amount, count(*) as parts
                from spend.marts.fct_spend group by all
            )
            select * from true_spend full join mart_spend on true_spend.cut is not distinct from mart_spend.cut
            where coalesce(true_spend.amount, 0) <> coalesce(mart_spend.amount, 0)
                or ({counts_lines} and true_spend.parts is distinct from mart_spend.parts)
        """).fetchall()


@pytest.mark.parametrize("cut", CUTS)
def test_guarded_spend_equals_the_truth(synced: Synced, cut: str) -> None:
    assert synced.truth is not None
    assert _different(synced.truth, synced.published, "is_spend_guarded", cut) == []


def test_literal_spend_equals_the_truth(synced: Synced, tmp_path: Path) -> None:
    assert synced.truth is not None
    (tmp_path / "build").mkdir()
    shutil.copy(synced.data_dir / "build" / "warehouse.duckdb", tmp_path / "build")

    literal = run_dbt(
        tmp_path,
        "build",
        *("--select", "+fct_spend", "--indirect-selection", "cautious"),
        *("--exclude-resource-type", "unit_test"),
        variables={"account_guard": False},
    )

    assert literal.exit_code == 0, literal.output
    different = {cut: _different(synced.truth, literal.marts, "is_spend_literal", cut) for cut in CUTS}
    assert not any(different.values()), different


def test_every_line_that_is_left_out_is_left_out_for_the_true_reason(synced: Synced) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            f"attach '{synced.truth}' as truth (read_only); attach '{synced.published}' as spend (read_only)"
        )
        wrong = connection.execute("""
            select true_line.case_label, true_line.exclusion_reason, mart.exclusion_reason, count(*)
            from truth.main.line as true_line
            full join spend.marts.fct_ledger_line as mart
                on true_line.owner_db_id = mart.owner_db_id and true_line.db_id = mart.transaction_db_id
            where (not true_line.is_payroll or true_line.db_id is null)
                and true_line.exclusion_reason is distinct from split_part(mart.exclusion_reason, ':', 1)
            group by all
        """).fetchall()

    assert wrong == []


def test_attribution_is_right_for_every_line(synced: Synced, capsys: pytest.CaptureFixture[str]) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            f"attach '{synced.truth}' as truth (read_only); attach '{synced.published}' as spend (read_only)"
        )
        wrong = connection.execute(f"""
            select mart.supplier_attribution_method, true_line.attribution, count(*)
            from spend.marts.fct_spend as mart
            left join ({TRUE_PARTS}) as true_line
                on mart.owner_db_id = true_line.owner_db_id and mart.transaction_db_id = true_line.db_id
                and mart.supplier_db_id is not distinct from true_line.true_supplier
            where mart.supplier_attribution_method <> 'pro_rata' and mart.amount_net is distinct from true_line.true_amount
                or true_line.db_id is null
                or mart.supplier_attribution_method <> true_line.attribution
            group by all
        """).fetchall()
        methods = connection.execute(
            "select supplier_attribution_method, count(*), sum(amount_net) from spend.marts.fct_spend group by all order by 2 desc"
        ).fetchall()
    with capsys.disabled():
        print("".join(f"\n{count:>7,} lines {amount:>16,.2f}  {method}" for method, count, amount in methods))

    assert wrong == []
    assert {method for method, *_ in methods} >= {
        "line_company", "header_single_supplier", "invoice_reference", "amount_match", "pro_rata", "none_employee_expense",
        "none_bank_fee", "none_cash_purchase", "none_missing_ap_row",
    }  # fmt: skip
