"""The first view of the app: from asking for the page to its charts drawn, on a published file of so many spend lines."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copy, which
from statistics import median

import duckdb
import requests

from bench.processes import ROOT, clean_environment

_LINES_OF_A_SUPPLIER = 10
_LOOKS = 3
_DRAWN = "document.querySelectorAll('.bars').length >= 2 && document.querySelector('.trace.treemap') !== null"


@dataclass(frozen=True)
class FirstView:
    """Seconds, medians. ``page`` is the first page of a fresh app; ``drawn`` the same in a browser, None without one."""

    spend_lines: int
    suppliers: int
    page: float
    drawn: float | None


def first_view(published: Path, folder: Path, lines: int = 1_000_000) -> FirstView:
    """Grow a copy of a published file to so many spend lines, then look: each time a new app and a new browser."""
    data_dir = folder / "first-view"
    data_dir.mkdir()
    grown = data_dir / "spend.duckdb"
    copy(published, grown)
    suppliers = _grow(grown, lines)
    pages, drawn = [], []
    for _ in range(_LOOKS):
        with _app(data_dir) as address:
            begun = time.monotonic()
            requests.get(address, timeout=60).raise_for_status()
            pages.append(time.monotonic() - begun)
        with _app(data_dir) as address:
            drawn.append(_seconds_to_draw(address))
    seen = [seconds for seconds in drawn if seconds is not None]
    return FirstView(lines, suppliers, median(pages), median(seen) if seen else None)


def _grow(path: Path, lines: int) -> int:
    """Repeat the spend under ids and suppliers of its own; returns the number of suppliers."""
    with duckdb.connect(str(path)) as connection:
        ((present, suppliers),) = connection.execute(
            "select count(*), count(distinct supplier_id) from marts.fct_spend"
        ).fetchall()
        copies = -(-lines // present)
        names = max(1, lines // _LINES_OF_A_SUPPLIER // suppliers)
        connection.execute(
            f"""
            create temp table present as from marts.fct_spend;
            insert into marts.fct_spend
            select present.* replace (
                spend_id || '-' || copy as spend_id,
                supplier_id || '-' || copy % {names} as supplier_id,
                supplier_name || ' ' || copy % {names} as supplier_name,
                amount_net * (1 + copy % 7) as amount_net
            )
            from present, range(1, {copies}) as copies (copy)
            limit {max(0, lines - present)}
            """
        )
        ((found, suppliers),) = connection.execute(
            "select count(*), count(distinct supplier_id) from marts.fct_spend"
        ).fetchall()
    if found != lines:
        raise RuntimeError(f"{found} spend lines instead of {lines}")
    return int(suppliers)


@contextmanager
def _app(data_dir: Path) -> Iterator[str]:
    """`make explore` on a free port. The token only says that this is no sandbox folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.explore", "--port", "0"],
        cwd=ROOT,
        env=clean_environment(DATA_DIR=str(data_dir)) | {"SOURCES__XLEDGER__API_TOKEN": "any"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        found = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline() if process.stdout else "")
        if found is None:
            raise RuntimeError("the app did not start")
        yield found[0]
    finally:
        process.terminate()
        process.wait()


def _seconds_to_draw(address: str) -> float | None:
    """In a Chromium that has not seen the app before, by the browser's own clock."""
    chromium = which("chromium")
    if chromium is None:
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.wait_for_function(_DRAWN)
        milliseconds = float(page.evaluate("performance.now()"))
        browser.close()
    return milliseconds / 1000
