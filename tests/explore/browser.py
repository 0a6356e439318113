"""A headless Chromium that may open one address and nothing else, and remembers what it tried and said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which

import pytest
from playwright.sync_api import Page, Route, sync_playwright

CHROMIUM = which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing; install the package chromium")


@dataclass
class Watched:
    """A page, the requests it made to other places than its own, and what went wrong in its console."""

    page: Page
    strayed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def screenshot(self, path: Path) -> None:
        self.page.screenshot(path=path, full_page=True)


@contextmanager
def browsing(home: str) -> Iterator[Watched]:
    """A page whose requests to anything but ``home`` are refused and noted."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        watched = Watched(page)

        def judge(route: Route) -> None:
            if route.request.url.startswith(home):
                route.continue_()
            else:
                watched.strayed.append(route.request.url)
                route.abort()

        page.route("**/*", judge)
        page.on("console", lambda said: watched.errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: watched.errors.append(str(error)))
        page.on("requestfailed", lambda request: watched.errors.append(f"failed: {request.url}"))
        yield watched
        browser.close()
