"""Somebody who has the published file tries to compute pay from it: per voucher, month and account, from totals and evidence."""

from __future__ import annotations

import duckdb
import pytest

from tests.conftest import Synced


def _with_truth(synced: Synced) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        f"attach '{synced.truth}' as truth (read_only); attach '{synced.published}' as spend (read_only)"
    )
    connection.execute(
        """
        create temp view line as
        select truth.*, strftime(posted_date, '%Y-%m') as month, account_code || '' as account from truth.line as truth
        """
    )
    return connection


ATTEMPTS = {
    # What a voucher lacks to zero is what was left out of it. Where that is exactly the pay, the file tells it.
    "voucher": """
        with hidden as (
            select owner_db_id, header_db_id, abs(sum(amount)) as pay
            from line where payroll_rule = 'pay_account' and document_type <> 'ER' group by all
        ),
        shown as (
            select owner_db_id, header_db_id, sum(amount) as net, sum(amount + coalesce(tax_amount, 0)) as gross
            from spend.marts.fct_ledger_line group by all
        )
        select count(*), count(*) filter (where abs(net) = pay or abs(gross) = pay)
        from hidden inner join shown using (owner_db_id, header_db_id) where pay > 0
    """,
    # The account that pay is booked on, month by month: nothing of it may be published but suppliers' invoices.
    "account_and_month": """
        with hidden as (
            select owner_db_id, account, month, abs(sum(amount)) as pay from line where is_payroll group by all
        ),
        shown as (
            select owner_db_id, account_code as account, strftime(posted_date, '%Y-%m') as month, sum(amount) as net
            from spend.marts.fct_ledger_line group by all
        )
        select (select count(*) from hidden), count(*) filter (where abs(net) = pay and pay > 0)
        from hidden inner join shown using (owner_db_id, account, month)
    """,
    # What a company's month lacks to zero: it has to mix pay with the bank, debt and tax left out with it.
    "company_and_month": """
        with hidden as (
            select owner_db_id, month, abs(sum(amount)) as pay
            from line where payroll_rule in ('type', 'pay_account') and amount > 0 group by all
        ),
        shown as (
            select owner_db_id, strftime(posted_date, '%Y-%m') as month, sum(amount) as net
            from spend.marts.fct_ledger_line group by all
        )
        select count(*), count(*) filter (where abs(net) = pay) from hidden inner join shown using (owner_db_id, month)
    """,
    # The bridge's totals, against all pay of a company.
    "bridge": """
        with hidden as (
            select owner_db_id, payroll_rule, abs(sum(amount)) as pay, sum(abs(amount)) as turnover
            from line where is_payroll group by all
        )
        select count(*), count(*) filter (where abs(bridge.amount) in (pay, turnover) and pay > 0)
        from hidden inner join spend.audit.spend_bridge as bridge using (owner_db_id)
    """,
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_pay_cannot_be_computed(synced: Synced, attempt: str) -> None:
    row = _with_truth(synced).execute(ATTEMPTS[attempt]).fetchone()
    assert row
    compared, told = row
    assert compared > 0
    assert told == 0


def test_evidence_has_no_column_that_pay_could_be_in(synced: Synced) -> None:
    columns = synced.query("select column_name, column_type from (describe audit.payroll_exclusions) order by all")
    assert columns == [
        ("excluded_ids", "BIGINT"),
        ("ids_sha256", "VARCHAR"),
        ("landed_at", "TIMESTAMP"),
        ("root", "VARCHAR"),
        ("rows_excluded", "BIGINT"),
        ("rows_received", "BIGINT"),
        ("rows_seen", "BIGINT"),
        ("rule", "VARCHAR"),
        ("run_id", "VARCHAR"),
    ]


def test_no_row_of_a_payroll_voucher_is_published(synced: Synced) -> None:
    assert _with_truth(synced).execute(
        """
        select count(*) from spend.marts.fct_ledger_line as shown
        where (shown.owner_db_id, shown.header_db_id) in (
            select (owner_db_id, header_db_id) from line where payroll_rule in ('type', 'whole_voucher'))
        """
    ).fetchall() == [(0,)]


def test_training_on_a_suppliers_invoice_is_spend_and_flagged(synced: Synced) -> None:
    assert _with_truth(synced).execute(
        """
        select count(*) > 0, bool_and(spend.is_personnel_related)
        from line inner join spend.marts.fct_spend as spend on spend.transaction_db_id = line.db_id
        where case_label = 'P_5900_AP' and line.account_code = '5900'
        """
    ).fetchall() == [(True, True)]
