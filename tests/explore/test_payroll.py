"""Nothing that can be looked at or taken along holds payroll of the sandbox's truth."""

from __future__ import annotations

import openpyxl
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
