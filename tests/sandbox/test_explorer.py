"""What a person sees: the lines printed at the start, and GraphiQL at the API's own address."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from graphql_client import Client
from kept_ledger import SMALL
from playwright.sync_api import sync_playwright

from pipelines.sandbox import Sandbox
from pipelines.sandbox.options import command_line

_ROOT = Path(__file__).parents[2]


def test_the_start_prints_address_token_companies_and_lines() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.sandbox", *command_line(SMALL)], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        printed = [process.stdout.readline().strip() for _ in range(5)]
    finally:
        process.terminate()
        process.wait()
    url = printed[0].removeprefix("Xledger sandbox at ")
    token = printed[1].removeprefix("Token: ")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/graphql", url)
    assert printed[2] == f"In a browser: {url}#token={token}"
    assert printed[3] == "Companies: Nordvik Gruppen AS, Nordvik Industri AS, Nordvik Service AS"
    assert int(printed[4].removeprefix("Lines: ").replace(",", "")) >= 1_000


def test_the_page_and_everything_it_loads_come_from_this_address(client: Client) -> None:
    page = client.send(b"", {"Accept": "text/html"}, method="GET")
    text = page.body.decode()
    assert page.status == 200
    assert "http:" not in text
    assert "https:" not in text
    assert client.token not in text
    loaded = re.findall(r'(?:src|href)="(graphiql/[^"]+)"', text)
    assert len(loaded) == 4
    for name in loaded:
        assert client.send(b"", {}, path=f"/{name}", method="GET").status == 200
    assert client.send(b"", {}, path="/graphiql/../../etc/passwd", method="GET").status == 404
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Debian's chromium")
def test_a_browser_shows_the_ledger(sandbox: Sandbox) -> None:
    failed: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.on("requestfailed", lambda request: failed.append(request.url))
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.goto(f"{sandbox.url}#token={sandbox.token}")
        page.get_by_role("button", name="Execute query").click()
        page.wait_for_function("document.body.innerText.includes('Nordvik Gruppen AS')")
        browser.close()
    assert failed == []
