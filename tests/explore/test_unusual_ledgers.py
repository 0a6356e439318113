"""Ledgers at the edges, in a browser: still right, still one screen wide, and never all rows on a page."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipelines.explore.numbers import exact
from tests.explore.browser import browsing, needs_chromium
from tests.explore.conftest import Place
from tests.explore.serving import serving

# What people and other programs have put into a name: markup, a formula, right-to-left text, a zero-width joiner, a word
# longer than a line, a line break, the separator of ids, nothing but blanks.
NAMES = [
    "<b>Kraft & Sønn</b> \"AS\" <script>document.title='run'</script>",
    '=HYPERLINK("x")',
    "شركة الخليج للتجارة",
    "👩‍👩‍👧 Bakeri 🥐",
    "Donaudampfschifffahrtsgesellschaft" * 12,
    "two\nlines\tand a tab",
    "a, b, c-1",
    "   ",
]
ONE_COMPANY = "; ".join(
    f"delete from marts.{table} where owner_db_id <> (select min(owner_db_id) from marts.dim_owner)"
    for table in ("fct_spend", "fct_ledger_line", "fct_ap_invoice", "dim_owner")
)
ONE_SUPPLIER = (
    "delete from marts.fct_spend where supplier_id is distinct from (select min(supplier_id) from marts.fct_spend)"
)
EMPTY = "; ".join(
    f"delete from marts.{table}" for table in ("fct_spend", "fct_ledger_line", "fct_ap_invoice", "dim_supplier")
)
MANY_SUPPLIERS = """
    create temp table one as from marts.fct_spend where supplier_id is not null order by spend_date desc, spend_id limit 1;
    insert into marts.fct_spend
    select one.* replace ('n-' || i as spend_id, 's-' || i as supplier_id, 'Supplier ' || i as supplier_name,
        i / 100 as amount_net)
    from one, range(100000) as many (i);
    create temp table who as from marts.dim_supplier limit 1;
    insert into marts.dim_supplier
    select who.* replace ('s-' || i as supplier_id, 'Supplier ' || i as supplier_name, i as spend_amount)
    from who, range(100000) as many (i);
"""


def sql_spend(place: Place) -> str:
    ((spend,),) = place.query("select coalesce(sum(amount_net), 0) from marts.fct_spend")
    assert isinstance(spend, Decimal)
    return f"{exact(spend)} NOK"


@needs_chromium
@pytest.mark.parametrize(
    ("sql", "suppliers", "companies"),
    [
        pytest.param(ONE_COMPANY, 20, 1, id="one company"),
        pytest.param(ONE_SUPPLIER, 1, 3, id="one supplier"),
        pytest.param(MANY_SUPPLIERS, 20, 3, id="100,000 suppliers"),
    ],
)
def test_the_overview_is_right(place_with: Callable[[str], Place], sql: str, suppliers: int, companies: int) -> None:
    place = place_with(sql)
    largest = place.query(
        "select supplier_name from marts.fct_spend where supplier_id is not null group by supplier_id, supplier_name "
        "order by sum(amount_net) desc, supplier_id limit 20"
    )
    with serving(place.published) as home, browsing(home) as watched:
        watched.page.goto(f"{home}/?currency=NOK")
        spend = watched.page.locator(".figure b span").first.get_attribute("title")
        names = [name.split("\t")[0] for name in watched.page.locator("td:first-child").all_inner_texts()]
        options = watched.page.locator("select[name=company] option").count()
        bars = watched.page.locator("#NOK-suppliers .bars .point").count()
        watched.page.goto(f"{home}/supplier?words=s")
        matches = watched.page.locator("p.note a").count()

    assert (watched.strayed, watched.errors) == ([], [])
    assert spend == sql_spend(place)
    assert names == [str(name) for (name,) in largest]
    assert (bars, options) == (suppliers, companies + 1)
    assert 0 < matches <= 50


@needs_chromium
def test_every_page_of_an_empty_ledger_opens(place_with: Callable[[str], Place]) -> None:
    place = place_with(EMPTY)
    with serving(place.published) as home, browsing(home) as watched:
        for path in (
            "",
            "supplier?words=a",
            "supplier?id=x",
            "why?number=1",
            "findings",
            "bridge",
            "payroll",
            "freshness",
        ):
            answered = watched.page.goto(f"{home}/{path}")
            assert answered is not None
            assert answered.status == 200, path
        watched.page.goto(home)
        assert "There is no spend in the published file yet." in watched.page.locator("main").inner_text()

    assert (watched.strayed, watched.errors) == ([], [])


@needs_chromium
def test_unusual_names_are_names(place_with: Callable[[str], Place]) -> None:
    """On the overview, its charts, the supplier's own page and in the search; no page grows wider than the screen."""
    place = place_with("select 1")
    rename(place.published)
    shown = []
    with serving(place.published) as home, browsing(home) as watched:
        watched.page.goto(f"{home}/?currency=NOK")
        watched.page.wait_for_selector("#NOK-categories .trace.treemap")
        labels = watched.page.locator("#NOK-suppliers .xtick").all_text_contents()
        pages = [watched.page.url, *(f"{home}/supplier?id=unusual-{number}" for number in range(len(NAMES)))]
        for address in pages:
            watched.page.goto(address)
            shown.append(watched.page.locator("main").text_content() or "")
            wide = watched.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
            assert (watched.page.title().endswith("– Spend"), wide) == (True, False), address

    assert (watched.strayed, watched.errors) == ([], [])
    for number, name in enumerate(NAMES):
        assert name in shown[0], name
        assert name in shown[number + 1], name
    assert max(len(label) for label in labels) <= 30


def rename(published: Path) -> None:
    """Give the largest suppliers unusual names and ids, wherever they stand."""
    with duckdb.connect(str(published)) as connection:
        largest = connection.execute(
            "select supplier_id from marts.fct_spend where supplier_id in (select supplier_id from marts.dim_supplier) "
            "and spend_date >= date '2025-01-01' group by all order by sum(amount_net) desc, supplier_id limit ?",
            [len(NAMES)],
        ).fetchall()
        for number, ((supplier_id,), name) in enumerate(zip(largest, NAMES, strict=True)):
            for table in ("fct_spend", "dim_supplier", "fct_ap_invoice"):
                connection.execute(
                    f"update marts.{table} set supplier_id = ?, supplier_name = ? where supplier_id = ?",
                    [f"unusual-{number}", name, supplier_id],
                )
            connection.execute(
                "update marts.fct_spend set category_level_1 = ?, line_text = ? where supplier_id = ?",
                [name, name, f"unusual-{number}"],
            )
            # The largest of all, so that each is among those that are shown.
            connection.execute(
                "update marts.fct_spend set amount_net = abs(amount_net) * 100 where supplier_id = ?",
                [f"unusual-{number}"],
            )
