"""The GraphQL documents in `queries/`: the allow-list of everything that is ever asked for."""

from __future__ import annotations

from functools import cache
from importlib import resources

from graphql import DocumentNode, parse


@cache
def document(name: str) -> DocumentNode:
    """The parsed document `queries/<name>.graphql`; one operation each."""
    text = resources.files("pipelines.xledger").joinpath("queries", f"{name}.graphql").read_text(encoding="utf-8")
    return parse(text)
