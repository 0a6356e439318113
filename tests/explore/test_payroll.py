"""Nothing that can be looked at or taken along holds payroll of the sandbox's truth."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from urllib.parse import quote

import duckdb
import openpyxl
import pytest
import requests
from plotly.offline import get_plotlyjs

from pipelines.explore.app import _NAVIGATION
from pipelines.explore.numbers import THOUSANDS
from tests.conftest import Synced
from tests.explore.conftest import Place
from tests.explore.serving import serving
from tests.payroll_search import Canaries
from tests.test_sync import _gross_amounts


def canaries(synced: Synced) -> Canaries:
    assert synced.truth
    found = Canaries.of(synced.truth).but_for(_gross_amounts(synced))
    assert len(found.words) > 100
    assert len(found.amounts) > 100
    return found


def test_app_and_report_show_none(synced: Synced, place: Place) -> None:
    assert place.run("pipelines.report").returncode == 0
    texts = {"report": (place.data_dir / "report/spend.html").read_text(encoding="utf-8").replace(get_plotlyjs(), "")}
    ((number,),) = place.query(
        "select max(voucher_number) from marts.fct_ledger_line where account_class = 'personnel'"
    )
    with serving(place.published) as home:
        for path in (*_NAVIGATION, "/?currency=NOK", "/supplier?words=a", f"/why?number={number}"):
            texts[path] = requests.get(f"{home}{path}", timeout=60).text

    wanted = canaries(synced)
    for where, text in texts.items():
        assert wanted.found_in(text.replace(THOUSANDS, "").replace("−", "-")) == set(), where


def test_exports_hold_none(synced: Synced, place: Place) -> None:
    for file_format in ("csv", "xlsx", "open-data"):
        assert place.run("pipelines.export", "--table", "fct_ledger_line", "--format", file_format).returncode == 0

    wanted = canaries(synced)
    for path in (place.data_dir / "export").glob("*.csv"):
        assert wanted.found_in(path.read_text(encoding="utf-8")) == set(), path.name
    book = openpyxl.load_workbook(place.data_dir / "export" / "fct_ledger_line.xlsx", read_only=True)
    cells = " ".join(str(value) for row in book["fct_ledger_line"].iter_rows(values_only=True) for value in row)
    assert wanted.found_in(cells) == set()


# Groupings by which an inside reader could set what is shown against what is not: what a voucher, a month, an account or a
# company lacks to zero, net, gross, and by side.
GROUPINGS = {
    "voucher": "owner_db_id, header_db_id",
    "company": "owner_db_id",
    "company and month": "owner_db_id, month",
    "company and day": "owner_db_id, posted_date",
    "company and account": "owner_db_id, account_code",
    "company, account and month": "owner_db_id, account_code, month",
    "company, document type and month": "owner_db_id, document_type, month",
}


def told_by(connection: duckdb.DuckDBPyConnection, shown: str, grouping: str) -> tuple[int, int]:
    """How many groups hold pay that is hidden and something that is shown, and in how many of them the one tells the other."""
    row = connection.execute(
        f"""
        with hidden as (
            select {grouping}, abs(sum(amount)) as pay, sum(greatest(amount, 0)) as debits
            from pay_lines where payroll_rule in ('type', 'pay_account') and document_type <> 'ER' group by all
        ),
        shown as (
            select {grouping}, abs(sum(amount)) as net, abs(sum(amount + coalesce(tax_amount, 0))) as gross,
                sum(greatest(amount, 0)) as debits, sum(greatest(-amount, 0)) as credits
            from {shown} group by all
        )
        select count(*), count(*) filter (
            where (pay > 0 and pay in (net, gross, shown.debits, shown.credits))
                or (hidden.debits > 0 and hidden.debits in (net, gross, shown.debits, shown.credits))
        )
        from hidden inner join shown using ({grouping})
        """
    ).fetchone()
    assert row
    return row


@pytest.fixture(scope="module")
def attacker(synced: Synced, place: Place) -> Iterator[duckdb.DuckDBPyConnection]:
    """Somebody with the exported lines, and with the truth to compare their sums with."""
    assert place.run("pipelines.export", "--table", "fct_ledger_line", "--format", "csv").returncode == 0
    exported = place.data_dir / "export" / "fct_ledger_line.csv"
    with duckdb.connect() as connection:
        connection.execute(f"attach '{synced.truth}' as truth (read_only)")
        connection.execute(
            f"""
            create view exported as
            select *, strftime(posted_date, '%Y-%m') as month from read_csv('{exported}', types = {{
                'amount': 'decimal(19, 4)', 'tax_amount': 'decimal(19, 4)', 'account_code': 'varchar'}});
            create view pay_lines as
            select *, strftime(posted_date, '%Y-%m') as month, 0::decimal(19, 4) as tax_amount from truth.line
            """
        )
        yield connection


@pytest.mark.parametrize("grouping", GROUPINGS)
def test_no_sum_over_the_export_is_somebodys_pay(attacker: duckdb.DuckDBPyConnection, grouping: str) -> None:
    compared, told = told_by(attacker, "exported", GROUPINGS[grouping])
    # The same sums would tell it at once if the pay lines were among those exported.
    _, would_tell = told_by(
        attacker, "(from pay_lines where payroll_rule in ('type', 'pay_account'))", GROUPINGS[grouping]
    )

    assert (compared > 0 or grouping == "company, account and month", told) == (True, 0)
    assert would_tell > 0


_EXACT = re.compile(r"(?<![\d.])-?\d+\.\d\d+(?![\d.])")


def numbers_on(text: str) -> set[Decimal]:
    """Every exact sum on a page, those behind the marks of its charts too."""
    plain = text.replace("\\u202f", "").replace(THOUSANDS, "").replace("\\u2212", "-").replace("−", "-")
    return {abs(Decimal(number)) for number in _EXACT.findall(plain)}


def test_no_sum_in_app_or_report_is_a_company_s_pay(synced: Synced, place: Place) -> None:
    """Overview by company and category, bridge, suppliers, findings, report: and differences of neighbouring steps."""
    assert place.run("pipelines.report").returncode == 0
    report = (place.data_dir / "report/spend.html").read_text(encoding="utf-8").replace(get_plotlyjs(), "")
    owners = [owner for (owner,) in place.query("select owner_db_id from marts.dim_owner order by 1")]
    categories = [name for (name,) in place.query("select distinct category_level_1 from marts.fct_spend order by 1")]
    suppliers = [name for (name,) in place.query("select supplier_id from marts.dim_supplier order by 1 limit 10")]
    asked = [
        *(f"/?currency=NOK&company={owner}" for owner in owners),
        *(f"/?currency=NOK&category={quote(str(name))}" for name in categories),
        *(f"/supplier?id={quote(str(name))}" for name in suppliers),
        "/findings",
        "/bridge",
    ]
    shown = numbers_on(report)
    with serving(place.published) as home:
        for path in asked:
            shown |= numbers_on(requests.get(f"{home}{path}", timeout=60).text)
    steps = [
        abs(Decimal(str(one[0])) - Decimal(str(other[0])))
        for one, other in pairwise(
            place.query("select amount from audit.spend_bridge order by owner_db_id, step_number")
        )
        if one[0] is not None and other[0] is not None
    ]
    with duckdb.connect() as connection:
        connection.execute(f"attach '{synced.truth}' as truth (read_only)")
        hidden = {
            amount
            for grouping in ("owner_db_id", "owner_db_id, month", "owner_db_id, account_code", "month", "account_code")
            for row in connection.execute(
                f"select abs(sum(amount)), sum(greatest(amount, 0)) from "
                "(select *, strftime(posted_date, '%Y-%m') as month from truth.line) "
                f"where payroll_rule in ('type', 'pay_account') and document_type <> 'ER' group by {grouping}"
            ).fetchall()
            for amount in row
            if amount
        }

    assert len(hidden) > 50
    assert len(shown) > 300
    assert hidden & (shown | set(steps)) == set()
