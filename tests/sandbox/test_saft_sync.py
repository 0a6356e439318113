"""A company's own books all the way: a SAF-T file goes in, and the spend by supplier is what was written, to the øre."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from saft_file import small_company

from pipelines.sandbox import running
from tests.conftest import sync


def test_spend_by_supplier_is_what_the_file_says(tmp_path: Path) -> None:
    path = small_company().write(tmp_path / "books.xml")
    with running(saft=path) as sandbox:
        token = {"SOURCES__XLEDGER__API_URL": sandbox.url, "SOURCES__XLEDGER__API_TOKEN": sandbox.token}
        done = sync(tmp_path / "data", token)
        assert done.exit_code == 0, done.output
        wire = str(sandbox.wire())
    spend = done.query(
        "select supplier_name, sum(amount_net), sum(tax_amount) from marts.fct_spend group by 1 order by 1 nulls last"
    )
    assert spend == [
        ("Kontor <& Co", Decimal("899.95"), Decimal("199.99")),
        ("Utleie Æ AS", Decimal("10000.00"), Decimal("2500.00")),
        (None, Decimal("18.50"), Decimal("0.00")),
    ]
    assert "Kari Fiktiv" not in wire
    assert "28123.45" not in wire
