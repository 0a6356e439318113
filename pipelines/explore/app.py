"""The app: one page an address, with every choice in the address, drawn from the published file at each look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import duckdb
from plotly.offline import get_plotlyjs
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from pipelines.explore import selection, table_pages
from pipelines.explore.pages import templates
from pipelines.explore.parts import OverviewPart, overview_part
from pipelines.explore.published import connect
from pipelines.explore.selection import Selection
from pipelines.explore.supplier import find_suppliers, supplier_part
from pipelines.explore.why import why

_ALL = ("", "All")
_NAVIGATION = {
    "/": "Overview",
    "/supplier": "Supplier",
    "/why": "Why?",
    "/findings": "Findings",
    "/bridge": "From ledger to spend",
    "/payroll": "Payroll evidence",
    "/freshness": "Freshness",
}
_PLAIN_PAGES = {
    "/findings": table_pages.findings,
    "/bridge": table_pages.bridge,
    "/payroll": table_pages.payroll_evidence,
    "/freshness": table_pages.freshness,
}


@dataclass(frozen=True)
class _Filter:
    """A choice among values, each with its label."""

    name: str
    label: str
    options: list[tuple[str, str]]
    chosen: str


def explore_app(published: Path) -> Starlette:
    """The app on one file. It answers to the loopback's names alone, so that no web page can reach it under its own."""
    rendered = _Pages(published)
    plain = [Route(path, rendered.plain) for path in _PLAIN_PAGES]
    return Starlette(
        routes=[
            Route("/", rendered.overview),
            Route("/supplier", rendered.supplier),
            Route("/why", rendered.why),
            *plain,
            Route("/plotly.js", _plotly),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
        ],
    )


def _plotly(_: Request) -> Response:
    return Response(get_plotlyjs(), media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})


class _Pages:
    """Opens the file anew for each page: a sync may have put a fresh one in its place."""

    def __init__(self, published: Path) -> None:
        self._published = published
        self._templates = templates()

    def overview(self, request: Request) -> Response:
        pieces = self._templates.get_template("overview.html.j2").generate(
            title=_NAVIGATION["/"], navigation=_NAVIGATION, look=partial(self._look, request.query_params)
        )
        return StreamingResponse(_head_first(pieces), media_type="text/html")

    def _look(self, asked: Mapping[str, str]) -> tuple[OverviewPart | None, list[_Filter]]:
        with connect(self._published) as connection:
            chosen = _selection(connection, asked)
            part = overview_part(connection, chosen) if chosen.currency else None
            return part, _filters(connection, chosen)

    def supplier(self, request: Request) -> Response:
        words = request.query_params.get("words", "")
        chosen = request.query_params.get("id", "")
        with connect(self._published) as connection:
            matches = [] if chosen else find_suppliers(connection, words)
            if words and matches:
                chosen = matches[0][0]
            part = supplier_part(connection, chosen) if chosen else None
        label = "Name, organisation number or code"
        return self._page(
            "supplier.html.j2", "/supplier", field="words", label=label, words=words, matches=matches, part=part
        )

    def why(self, request: Request) -> Response:
        number = request.query_params.get("number", "")
        with connect(self._published) as connection:
            tables = why(connection, number) if number else []
        label = "Voucher number, invoice number, or id of a line; several with commas between"
        return self._page("why.html.j2", "/why", field="number", label=label, words=number, tables=tables)

    def plain(self, request: Request) -> Response:
        path = request.url.path
        with connect(self._published) as connection:
            tables = _PLAIN_PAGES[path](connection)
        return self._page("tables.html.j2", path, tables=tables)

    def _page(self, template: str, path: str, **values: object) -> Response:
        page = self._templates.get_template(template)
        return HTMLResponse(page.render(title=_NAVIGATION[path], navigation=_NAVIGATION, **values))


def _head_first(pieces: Iterator[str]) -> Iterator[str]:
    """The head by itself: the browser reads plotly's script while the numbers are being asked for."""
    head = []
    for piece in pieces:
        head.append(piece)
        if "</head>" in piece:
            break
    yield "".join(head)
    yield "".join(pieces)


def _selection(connection: duckdb.DuckDBPyConnection, asked: Mapping[str, str]) -> Selection:
    """What the address asks for; values that the file does not have count as not asked for."""
    known = selection.currencies(connection)
    currency = asked.get("currency")
    if currency not in known:
        currency = known[0] if known else None
    if not asked:
        return selection.last_twelve_months(connection, currency)
    owners = {str(number): number for number, _ in selection.companies(connection, currency)}
    months = {month.isoformat(): month for month in selection.months(connection, currency)}
    dimension, _, code = asked.get("dimension", "").partition(":")
    return replace(
        Selection(currency),
        owner_db_id=owners.get(asked.get("company", "")),
        first_month=months.get(asked.get("from", "")),
        last_month=months.get(asked.get("to", "")),
        category=asked.get("category") or None,
        dimension=(int(dimension), code) if dimension in {"1", "2", "3", "4", "5"} else None,
    )


def _filters(connection: duckdb.DuckDBPyConnection, chosen: Selection) -> list[_Filter]:
    currency = chosen.currency
    months = [(month.isoformat(), f"{month:%Y-%m}") for month in selection.months(connection, currency)]
    owners = [(str(number), name) for number, name in selection.companies(connection, currency)]
    values = [
        (f"{number}:{code}", f"{number}: {code} {name}".strip())
        for number, code, name in selection.dimension_values(connection, currency)
    ]
    named = [(name, name) for name in selection.categories(connection, currency)]
    known = [(name, name) for name in selection.currencies(connection)]
    dimension = f"{chosen.dimension[0]}:{chosen.dimension[1]}" if chosen.dimension else ""
    return [
        _Filter("currency", "Currency", known, currency or ""),
        _Filter("company", "Company", [_ALL, *owners], str(chosen.owner_db_id or "")),
        _Filter("from", "From", [_ALL, *months], _iso(chosen.first_month)),
        _Filter("to", "To", [_ALL, *months], _iso(chosen.last_month)),
        _Filter("category", "Category", [_ALL, *named], chosen.category or ""),
        _Filter("dimension", "Dimension", [_ALL, *values], dimension),
    ]


def _iso(month: date | None) -> str:
    return month.isoformat() if month else ""
