"""The app shows what SQL says, changes with its filters, and asks for nothing outside."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from html import unescape
from pathlib import Path

import duckdb
import pytest
import requests
from playwright.sync_api import Page

from pipelines.explore.numbers import exact, whole
from tests.conftest import ROOT, clean_environment
from tests.explore.browser import browsing, needs_chromium
from tests.explore.conftest import Place
from tests.explore.serving import serving

PAGES = ["", "supplier?words=as", "why?number=1", "findings", "bridge", "payroll", "freshness"]


@pytest.fixture(scope="module")
def address(place: Place) -> Iterator[str]:
    """The app as `make explore` starts it, on a free port."""
    environment = clean_environment({"DATA_DIR": str(place.data_dir), "SOURCES__XLEDGER__API_TOKEN": "any"})
    command = [sys.executable, "-m", "pipelines.explore", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout
        found = re.search(r"http://127\.0\.0\.1:\d+/", serving.stdout.readline())
        assert found
        yield found[0]
        serving.terminate()


def spend_on(page: Page) -> str:
    """The exact sum behind the first key figure."""
    return str(page.locator(".figure b span").first.get_attribute("title"))


def sql_spend(place: Place, condition: str) -> str:
    ((spend,),) = place.query(f"select coalesce(sum(amount_net), 0) from marts.fct_spend where {condition}")
    return f"{exact(spend)} NOK"


@needs_chromium
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.split("?")[0] or "overview")
def test_a_page_opens_and_asks_for_nothing_outside(address: str, path: str) -> None:
    with browsing(address) as watched:
        watched.page.goto(f"{address}{path}")
        assert watched.page.locator("nav a[aria-current]").inner_text() == watched.page.locator("h1").inner_text()
        assert watched.page.locator("td").count() > 0
        too_wide = watched.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")

    assert (watched.strayed, watched.errors, too_wide) == ([], [], False)


@needs_chromium
def test_each_filter_changes_the_numbers_to_those_of_sql(address: str, place: Place) -> None:
    ((owner, category, month, code),) = place.query(
        "select max(owner_db_id), max(category_level_1), max(date_trunc('month', posted_date))::date, "
        "max(dimension_1_code) from marts.fct_spend"
    )
    steps = {
        "company": (str(owner), f"owner_db_id = {owner}"),
        "from": (f"{month}", f"spend_date >= date '{month}'"),
        "category": (str(category), f"category_level_1 = '{category}'"),
        "dimension": (f"1:{code}", f"dimension_1_code = '{code}'"),
    }
    seen = set()
    with browsing(address) as watched:
        for name, (value, condition) in steps.items():
            watched.page.goto(f"{address}?currency=NOK")
            before = spend_on(watched.page)
            watched.page.select_option(f"select[name={name}]", value)
            watched.page.click("form button")
            assert spend_on(watched.page) == sql_spend(place, condition) != before
            assert watched.page.locator(f"select[name={name}]").input_value() == value
            seen.add(before)
        assert seen == {sql_spend(place, "true")}
        watched.page.wait_for_selector("#NOK-categories .trace.treemap")

    assert (watched.strayed, watched.errors) == ([], [])


@needs_chromium
def test_a_mark_shows_the_number_behind_it(address: str, place: Place) -> None:
    ((name, spend),) = place.query(
        "select supplier_name, sum(amount_net) as spend from marts.fct_spend where supplier_id is not null "
        "group by supplier_id, supplier_name order by spend desc limit 1"
    )
    with browsing(address) as watched:
        watched.page.goto(f"{address}?currency=NOK")
        watched.page.locator("#NOK-suppliers .bars .point").first.hover(force=True)
        shown = watched.page.locator("#NOK-suppliers .hoverlayer .hovertext").first.text_content() or ""

    assert f"{name}: {exact(spend)} NOK" in shown


@needs_chromium
def test_the_supplier_page_draws_its_months_and_says_what_sql_says(address: str, place: Place) -> None:
    ((supplier, name, spend, sources),) = place.query(
        "select supplier_id, supplier_name, spend_amount, source_supplier_ids from marts.dim_supplier "
        "where source_supplier_count > 1 order by supplier_id limit 1"
    )
    ((months, bars),) = place.query(
        "select list(month order by month), list(exact order by month) from (select strftime(spend_date, '%Y-%m') as month, "
        "sum(amount_net) as exact from marts.fct_spend where supplier_id = ? group by all)",
        [supplier],
    )
    ((invoices, settled, days, late),) = place.query(
        "select count(*), count(*) filter (where paid), round(avg(days_to_pay) filter (where paid), 1), "
        "count(*) filter (where paid and days_late > 0) "
        "from (select *, is_settled and not is_credit_note as paid from marts.fct_ap_invoice) where supplier_id = ?",
        [supplier],
    )
    with browsing(address) as watched:
        watched.page.goto(f"{address}supplier?words={name}")
        drawn = watched.page.evaluate(
            "document.getElementById('supplier-0').data.find(one => one.name === 'spend')"
            ".x.map((month, place) => [month, document.getElementById('supplier-0').data[1].customdata[place]])"
        )
        figures = watched.page.locator(".figures").inner_text()
        page = watched.page.locator("main").inner_text()
        watched.page.locator("h2:has-text('invoices (with VAT)') + .wide a").first.click()
        why = watched.page.locator("main").inner_text()

    assert (watched.strayed, watched.errors) == ([], [])
    zero = exact(Decimal(0))
    assert [(month, bar) for month, bar in drawn if bar != zero] == list(zip(months, map(exact, bars), strict=True))
    assert figures.split("\n")[1] == whole(spend)
    assert f"{days} days" in figures
    assert f"{settled} settled invoices" in figures
    assert f"{100 * late / settled:.0f} %" in figures
    for source in sources.split(", "):
        assert source in page
    assert name in why
    assert "Each line and the reason" in why
    assert invoices >= settled > 0


@needs_chromium
def test_each_finding_leads_to_what_it_is_about(address: str, place: Place) -> None:
    # Of each finding the one that the page shows first.
    found = place.query(
        "select distinct on (finding) finding, ids from audit.data_quality where ids <> '' order by finding, "
        "array_position(['high', 'medium', 'low'], severity), abs(amount) desc nulls last, subject"
    )
    assert len(found) > 3
    with browsing(address) as watched:
        for finding, ids in found:
            watched.page.goto(f"{address}findings")
            watched.page.locator(f"tr:has(td:text-is('{finding}')) a").first.click()
            watched.page.wait_for_load_state("load")
            shown = watched.page.locator("main").inner_text()
            asked = watched.page.locator("input").input_value()
            assert "Nothing here." not in shown.split("How each part")[0], finding
            if finding == "supplier_without_org_number":
                assert ids in shown
            else:
                assert asked == ids
            if finding in ("unattributed_spend", "personnel_account_on_invoice"):
                for one in ids.split(", "):
                    assert one.split("-")[1] in shown

    assert (watched.strayed, watched.errors) == ([], [])


@pytest.fixture
def get(place_with: Callable[[str], Place]) -> Callable[[str, str], str]:
    """The text of a page on a file that was changed by SQL, without a server."""

    def fetch(sql: str, path: str) -> str:
        with serving(place_with(sql).published) as home:
            answered = requests.get(f"{home}{path}", timeout=60)
        assert answered.status_code == 200
        return unescape(re.sub(r"<[^>]+>", " ", answered.text))

    return fetch


EMPTY = "; ".join(f"delete from marts.{table}" for table in ("fct_spend", "fct_ledger_line", "fct_ap_invoice"))
ONE = "delete from marts.fct_spend where supplier_id is distinct from (select min(supplier_id) from marts.fct_spend)"


@pytest.mark.parametrize(
    ("sql", "path", "sentence"),
    [
        pytest.param(EMPTY, "/", "There is no spend in the published file yet.", id="empty ledger"),
        pytest.param(EMPTY, "/why?number=1", "Nothing here.", id="empty ledger, why"),
        pytest.param(ONE, "/?currency=NOK", "100.0 %", id="one supplier"),
        pytest.param(
            "select 1", "/?currency=XXX&company=x&from=x&dimension=9:'", "Spend", id="nonsense in the address"
        ),
        pytest.param("select 1", "/supplier?words=%27;drop", "Supplier", id="quotes in a search"),
        pytest.param("delete from audit.data_quality", "/findings", "Nothing here.", id="no findings"),
    ],
)
def test_unusual_ledgers_and_addresses(get: Callable[[str, str], str], sql: str, path: str, sentence: str) -> None:
    assert sentence in get(sql, path)


@pytest.mark.parametrize("kind", ["spend", "excluded"])
def test_why_tells_the_road_of_a_line(get: Callable[[str, str], str], place: Place, kind: str) -> None:
    ((line, reason, account_class),) = place.query(
        "select transaction_db_id, exclusion_reason, account_class from marts.fct_ledger_line "
        f"where {'is_spend' if kind == 'spend' else 'exclusion_reason is not null'} order by transaction_db_id limit 1"
    )
    page = get("select 1", f"/why?number={line}")

    assert str(line) in page
    assert str(account_class) in page
    if kind == "excluded":
        assert f"no spend: {reason}" in page
    else:
        ((method, rule),) = place.query(
            "select supplier_attribution_method, category_rule_id from marts.fct_spend "
            f"where transaction_db_id = {line} limit 1"
        )
        assert str(method) in page
        assert str(rule) in page


def test_another_name_for_this_machine_is_refused(address: str) -> None:
    assert requests.get(address, headers={"Host": "rebound.example"}, timeout=60).status_code == 400
    assert requests.get(address, timeout=60).status_code == 200


def test_a_taken_port_is_explained(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = place.run("pipelines.explore", "--port", str(taken.getsockname()[1]))

    assert refused.returncode == 2
    assert "is taken; choose another" in refused.stderr


def test_a_fresh_file_is_seen_at_the_next_look(place_with: Callable[[str], Place], tmp_path: Path) -> None:
    place = place_with("select 1")
    fresh = tmp_path / "fresh.duckdb"
    fresh.write_bytes(place.published.read_bytes())
    with duckdb.connect(str(fresh)) as connection:
        connection.execute("delete from marts.fct_spend")

    with serving(place.published) as home:
        before = requests.get(home, timeout=60).text
        fresh.replace(place.published)
        after = requests.get(home, timeout=60).text

    sentence = "There is no spend in the published file yet."
    assert (sentence in before, sentence in after) == (False, True)
