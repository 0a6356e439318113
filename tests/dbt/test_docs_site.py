"""The docs site in a browser without a network: it opens, finds, draws, and asks nobody for anything."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipelines import dbt_build
from pipelines.targets.target import Target
from pipelines.warehouse import Warehouse
from tests.dbt.conftest import Build
from tests.explore.browser import browsing, needs_chromium

# Colours of what is drawn on the graph's canvases: one would be an empty one.
COLOURS = """
    () => new Set(Array.from(document.querySelectorAll('canvas')).filter(one => one.width).flatMap(one => {
        const data = one.getContext('2d').getImageData(0, 0, one.width, one.height).data
        return Array.from({length: data.length / 4}, (_, at) => data.slice(4 * at, 4 * at + 4).join())
    })).size
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def warehouse(small: Build, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The small ledger with its docs site, made as `make docs` makes it."""
    made = Warehouse(tmp_path_factory.mktemp("documented"))
    shutil.copytree(small.data_dir / "build", made.build)
    dbt_build.docs(made, Target())
    return made


@pytest.fixture(scope="module")
def home(warehouse: Warehouse) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(warehouse.docs))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@needs_chromium
def test_the_docs_site_opens_finds_and_draws_without_a_network(home: str, tmp_path: Path) -> None:
    with browsing(home) as watched:
        page = watched.page
        page.goto(home)
        page.get_by_text("A company's Xledger ledger as a spend cube").wait_for()
        page.fill("#search", "fct_spend")
        page.locator(".search-result", has_text="fct_spend").first.wait_for()
        page.goto(f"{home}#!/model/model.xledger_spend.fct_spend")
        page.reload()
        page.locator("span.text-dark", has_text="transaction_db_id").first.wait_for()
        page.locator("[ng-click='onLauncherClick()']").click()
        page.wait_for_function(f"({COLOURS})() > 3")
        watched.screenshot(tmp_path / "graph.png")

        assert (watched.strayed, watched.errors) == ([], [])


@needs_chromium
def test_the_landing_page_leads_to_the_lineage_of_columns(home: str, tmp_path: Path) -> None:
    with browsing(home) as watched:
        page = watched.page
        page.goto(home)
        page.get_by_text("a page of its own").click()
        page.wait_for_url("**/lineage/index.html")
        page.locator(".react-flow__node").first.wait_for()
        watched.screenshot(tmp_path / "lineage.png")

        assert (watched.strayed, watched.errors) == ([], [])


def test_spend_is_traced_column_by_column_to_what_xledger_sent(warehouse: Warehouse) -> None:
    page = warehouse.build / "dbt" / "lineage" / "colibri-manifest.json"
    parents = json.loads(page.read_text(encoding="utf-8"))["lineage"]["parents"]
    found, unseen = set(), [("model.xledger_spend.fct_spend", "amount_net")]
    while unseen:
        at = unseen.pop()
        if at not in found:
            found.add(at)
            unseen += [(one["dbt_node"], one["column"]) for one in parents.get(at[0], {}).get(at[1], [])]

    assert ("source.xledger_spend.xledger.transaction", "amount") in found
