"""The first view is measured on spend that was grown, and as a browser sees it where there is one."""

from __future__ import annotations

from pathlib import Path

from bench.first_view import first_view
from tests.conftest import Synced
from tests.explore.browser import CHROMIUM


def test_the_first_view_of_grown_spend(synced: Synced, tmp_path: Path) -> None:
    view = first_view(synced.published, tmp_path, 10_000)

    ((lines, suppliers),) = synced.query("select count(*), count(distinct supplier_id) from marts.fct_spend")
    assert (lines < 10_000, view.spend_lines) == (True, 10_000)
    assert view.suppliers > suppliers
    assert view.page > 0
    assert (view.drawn is None) == (CHROMIUM is None)
