"""A titled result for a page, and what in it leads to another page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

import duckdb


class Link(NamedTuple):
    """A cell that leads to another page of the app."""

    text: str
    address: str


@dataclass(frozen=True)
class Table:
    """A titled result. Amount columns of a table are in the currency that stands in the same row."""

    title: str
    columns: list[str]
    rows: list[tuple[object, ...]]


def table(
    connection: duckdb.DuckDBPyConnection, title: str, sql: str, parameters: dict[str, object] | None = None
) -> Table:
    result = connection.execute(sql, parameters or {})
    return Table(title, [column[0] for column in result.description or ()], result.fetchall())


def why_link(text: object, numbers: object) -> Link:
    """To the page Why?, with the ids carried over."""
    return Link(str(text), f"/why?{urlencode({'number': numbers})}")


def supplier_link(text: object, supplier_id: object) -> Link:
    """To a supplier's page."""
    return Link(str(text), f"/supplier?{urlencode({'id': supplier_id})}")
