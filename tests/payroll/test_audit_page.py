"""The audit page in a browser without a network: it asks for nothing, complains of nothing, and no text is cut or covered."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Page

from pipelines.audit import Report, as_html
from tests.conftest import Synced, quick_settings
from tests.explore.browser import browsing, needs_chromium

# Elements whose text is wider than they are and cannot be scrolled, and pairs of cells that cover each other.
_CUT = """
() => [...document.querySelectorAll('h1, h2, h3, p, th, td, pre')].filter(one => {
    const style = getComputedStyle(one);
    const scrolls = ['auto', 'scroll'].includes(style.overflowX);
    return !scrolls && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1);
}).map(one => one.tagName + ': ' + one.textContent.trim().slice(0, 60))
"""
_COVERED = """
() => {
    const boxes = [...document.querySelectorAll('h1, h2, h3, p, th, td, pre')].map(one => [one, one.getBoundingClientRect()]);
    const found = [];
    boxes.forEach(([one, a], place) => boxes.slice(place + 1).forEach(([other, b]) => {
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 1 && high > 1) found.push(one.textContent.slice(0, 40) + ' / ' + other.textContent.slice(0, 40));
    }));
    return found;
}
"""


@pytest.fixture(scope="module")
def page_file(synced: Synced, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with duckdb.connect(str(synced.published), read_only=True) as published:
        report = Report.of(published, quick_settings("http://127.0.0.1/graphql", "token"))
    path = tmp_path_factory.mktemp("audit") / "index.html"
    path.write_text(as_html(report), encoding="utf-8")
    return path


def _flaws(page: Page) -> list[str]:
    wider = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [*page.evaluate(_CUT), *page.evaluate(_COVERED), *(["the page is wider than the window"] if wider else [])]


@needs_chromium
@pytest.mark.parametrize("width", [1280, 800, 390])
def test_the_page_opens_without_a_network(page_file: Path, width: int) -> None:
    address = page_file.as_uri()
    with browsing(address) as watched:
        watched.page.context.set_offline(True)
        watched.page.set_viewport_size({"width": width, "height": 900})
        watched.page.goto(address)
        title = watched.page.title()
        flaws = _flaws(watched.page)
        watched.screenshot(page_file.with_name(f"page-{width}.png"))
    assert title == "What was asked, left out and received"
    assert (watched.strayed, watched.errors, flaws) == ([], [], [])


@needs_chromium
def test_flaws_are_found(page_file: Path) -> None:
    address = page_file.as_uri()
    with browsing(address) as watched:
        watched.page.goto(address)
        watched.page.add_style_tag(content="td { max-width: 20px; white-space: nowrap } h2 { margin-top: -60px }")
        flaws = _flaws(watched.page)
    assert any("TD" in flaw for flaw in flaws)
    assert any(" / " in flaw for flaw in flaws)
