"""A company's own books all the way: a SAF-T file goes in, and the spend by supplier is what was written, to the øre."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
from saft_file import small_company

from pipelines.sandbox import running

_ROOT = Path(__file__).parents[2]


def test_spend_by_supplier_is_what_the_file_says(tmp_path: Path) -> None:
    path = small_company().write(tmp_path / "books.xml")
    with running(saft=path) as sandbox:
        settings = {
            "PYTHONPATH": str(_ROOT),
            "DATA_DIR": str(tmp_path / "data"),
            "SOURCES__XLEDGER__API_URL": sandbox.url,
            "SOURCES__XLEDGER__API_TOKEN": sandbox.token,
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SOURCES__")}
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.sync"],
            cwd=_ROOT,
            env=inherited | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        wire = str(sandbox.wire())
    with duckdb.connect(str(tmp_path / "data" / "spend.duckdb"), read_only=True) as published:
        spend = published.execute(
            "select supplier_name, sum(amount_net), sum(tax_amount) from marts.fct_spend group by 1 order by 1 nulls last"
        ).fetchall()
    assert spend == [
        ("Kontor <& Co", Decimal("899.95"), Decimal("199.99")),
        ("Utleie Æ AS", Decimal("10000.00"), Decimal("2500.00")),
        (None, Decimal("18.50"), Decimal("0.00")),
    ]
    assert "Kari Fiktiv" not in wire
    assert "28123.45" not in wire
