"""The report stands alone, shows what SQL says, and takes names for text."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from html import unescape
from pathlib import Path

import duckdb
import pytest

from pipelines.explore.numbers import exact
from pipelines.explore.published import connect
from pipelines.explore.selection import last_twelve_months
from pipelines.report import render
from tests.explore.browser import browsing, needs_chromium
from tests.explore.conftest import Place

HOSTILE = '<b>Æ & Ø</b> "AS" <script>document.title="run"</script> with a name longer than any label'


def spend_of_the_period(path: Path) -> Decimal:
    with connect(path) as connection:
        selection = last_twelve_months(connection, "NOK")
        (spend,) = connection.execute(
            "select sum(amount_net) from marts.fct_spend where company_currency = 'NOK' "
            "and spend_date between ? and last_day(?)",
            [selection.first_month, selection.last_month],
        ).fetchone() or (None,)
    return Decimal(spend)


def test_the_figures_are_those_of_the_file(place: Place) -> None:
    with connect(place.published) as connection:
        page = render(connection)

    (first, *_) = re.findall(r'title="([^"]+) NOK"', page)
    assert unescape(first) == exact(spend_of_the_period(place.published))


@needs_chromium
def test_it_opens_from_disk_and_asks_for_nothing(place: Place) -> None:
    made = place.run("pipelines.report")
    assert made.returncode == 0, made.stdout + made.stderr
    address = (place.data_dir / "report" / "spend.html").as_uri()

    with browsing(address) as watched:
        watched.page.goto(address)
        watched.page.wait_for_selector("#NOK-categories .trace.treemap")
        bars = watched.page.locator("#NOK-months .bars .point").count()
        watched.page.locator("#NOK-months .bars .point").first.hover(force=True)
        buttons = watched.page.locator(".modebar-btn").count()
        names = watched.page.locator("#NOK-suppliers .xaxislayer-above .xtick").count()

    assert (watched.strayed, watched.errors) == ([], [])
    assert bars == 24
    # plotly would offer to send the chart to a server of its own.
    assert buttons == 0
    assert names == 20


@needs_chromium
def test_a_hostile_name_is_only_a_name(place_with: Callable[[str], Place]) -> None:
    place = place_with("select 1")
    with duckdb.connect(str(place.published)) as connection:
        connection.execute("update marts.fct_spend set supplier_name = ?, category_level_1 = ?", [HOSTILE, HOSTILE])
    assert place.run("pipelines.report").returncode == 0
    address = (place.data_dir / "report" / "spend.html").as_uri()

    with browsing(address) as watched:
        watched.page.goto(address)
        watched.page.wait_for_selector("#NOK-categories .trace.treemap")
        title = watched.page.title()
        cell = watched.page.locator("td").first.inner_text()
        label = watched.page.locator("#NOK-suppliers .xtick").first.text_content()

    assert (title, watched.errors) == ("Spend report", [])
    assert cell == HOSTILE
    assert label == HOSTILE[:29] + "…"


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        pytest.param("delete from marts.fct_spend", "There is no spend in the published file yet.", id="empty ledger"),
        pytest.param(
            "delete from marts.fct_spend where supplier_id is distinct from (select min(supplier_id) from marts.fct_spend)",
            "100.0 %",
            id="one supplier",
        ),
        pytest.param("update marts.fct_spend set supplier_id = null", "Without supplier", id="no supplier"),
        pytest.param("update marts.fct_spend set amount_net = -amount_net", "not drawn: categories of", id="credits"),
        pytest.param("update marts.fct_spend set spend_date = null", "all months", id="no dates"),
    ],
)
def test_unusual_ledgers(place_with: Callable[[str], Place], sql: str, sentence: str) -> None:
    with connect(place_with(sql).published) as connection:
        assert sentence in render(connection)
