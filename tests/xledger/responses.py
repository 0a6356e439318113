"""Our documents fitted to the sandbox's schema, and responses to them put together leaf by leaf."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from graphql import build_schema

import pipelines
from pipelines.xledger import landing
from pipelines.xledger.capabilities import Capabilities, Operation
from pipelines.xledger.documents import document
from pipelines.xledger.landing import Guard, Landing, Page, Rows

SALT = "the salt of this installation"


@cache
def capabilities() -> Capabilities:
    schema = Path(pipelines.__file__).parent / "sandbox" / "schema.graphql"
    return Capabilities(build_schema(schema.read_text(encoding="utf-8")))


@cache
def operation(document_name: str) -> Operation:
    return capabilities().fit(document(document_name))


def node_leaves(asked: Operation) -> list[tuple[str, ...]]:
    """Paths below a node, in a fixed order."""
    depth = len(landing.CONNECTION)
    return sorted(leaf[depth:] for leaf in asked.leaves if leaf[:depth] == landing.CONNECTION)


def node(asked: Operation, **values: object) -> dict[str, Any]:
    """A node with every leaf null but those given; ``header__dbId=1`` is the leaf header.dbId, ``header=None`` no header."""
    made: dict[str, Any] = {}
    for leaf in node_leaves(asked):
        branch = made
        for step in leaf[:-1]:
            branch = branch.setdefault(step, {})
        branch[leaf[-1]] = None
    for name, value in values.items():
        *steps, last = name.split("__")
        branch = made
        for step in steps:
            branch = branch[step]
        assert last in branch, name
        branch[last] = value
    return made


def answer(asked: Operation, nodes: Sequence[Mapping[str, Any]] | None, *, has_next_page: bool = False) -> bytes:
    """A whole response; ``nodes`` None is the empty result as Xledger says it, ``edges: null``."""
    edges = None if nodes is None else [{"cursor": str(number), "node": one} for number, one in enumerate(nodes, 1)]
    return json.dumps({"data": {asked.root: {"edges": edges, "pageInfo": {"hasNextPage": has_next_page}}}}).encode()


class Bench:
    """A landing of its own in memory."""

    def __init__(self) -> None:
        self.workbench = duckdb.connect(config={"threads": 1})
        self.landing = Landing(self.workbench, SALT)

    def land(self, document_name: str, rows: Rows, *nodes: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
        """The landed rows by table."""
        asked = operation(document_name)
        return rows_of(self.page(asked, rows, answer(asked, nodes)))

    def page(self, asked: Operation, rows: Rows, body: bytes, guard: Guard | None = None) -> Page:
        return self.landing.land(body, asked, rows, guard)


def rows_of(page: Page) -> dict[str, list[dict[str, Any]]]:
    return {name: table.to_pylist() for name, table in page.tables.items()}


def error_chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all it drags along; dlt writes the whole chain into its trace."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__
