from __future__ import annotations

import json
from typing import Any

import pytest
from graphql import build_schema, introspection_from_schema, parse, validate
from responses import capabilities as sandbox_capabilities
from scripted_server import answer, raw, scripted

from pipelines.xledger import documents
from pipelines.xledger.capabilities import Capabilities, Operation
from pipelines.xledger.client import Client, Traffic
from pipelines.xledger.documents import document
from pipelines.xledger.errors import ApiFailed
from pipelines.xledger.pacing import Pace

_SDL = """
scalar Int64String
scalar MoneyString
enum OwnerSet { CURRENT MINE ALL }
type PageInfo { hasNextPage: Boolean! }
type Header { dbId: Int64String text: String }
type Transaction { dbId: Int64String amount: MoneyString text: String header: Header }
type TransactionEdge { cursor: String node: Transaction }
type TransactionConnection { edges: [TransactionEdge] pageInfo: PageInfo! }
input Transaction_Filter { dbId_in: [Int64String!] }
type Query {
  transactions(first: Int!, after: String, filter: Transaction_Filter, ownerSet: OwnerSet): TransactionConnection
}
"""
_DOCUMENT = """
query transactions($first: Int, $after: ID, $filter: Anything, $ownerSet: OwnerSet) {
  transactions(first: $first, after: $after, filter: $filter, ownerSet: $ownerSet) {
    edges {
      cursor
      node {
        dbId
        amount
        text @optional
        header @optional { dbId text @optional }
      }
    }
    pageInfo { hasNextPage }
  }
}
"""
_DOCUMENT_NAMES = sorted(
    path.name.removesuffix(".graphql")
    for path in documents.resources.files("pipelines.xledger").joinpath("queries").iterdir()
    if path.name.endswith(".graphql")
)


def _capabilities(*changes: tuple[str, str]) -> Capabilities:
    sdl = _SDL
    for old, new in changes:
        assert old in sdl
        sdl = sdl.replace(old, new)
    return Capabilities(build_schema(sdl))


def _fit(*changes: tuple[str, str]) -> Operation:
    return _capabilities(*changes).fit(parse(_DOCUMENT))


def _is_valid(fitted: Operation, *changes: tuple[str, str]) -> bool:
    sdl = _SDL
    for old, new in changes:
        sdl = sdl.replace(old, new)
    return not validate(build_schema(sdl), parse(fitted.text))


# Documents fitted


def test_a_document_is_taken_whole_where_the_schema_offers_everything() -> None:
    fitted = _fit()
    assert (fitted.name, fitted.root, fitted.dropped) == ("transactions", "transactions", ())
    assert fitted.variables == {"first", "after", "filter", "ownerSet"}
    assert {leaf[2:] for leaf in fitted.leaves if leaf[:2] == ("edges", "node")} == {
        ("dbId",),
        ("amount",),
        ("text",),
        ("header", "dbId"),
        ("header", "text"),
    }
    assert "@optional" not in fitted.text
    assert _is_valid(fitted)


def test_variables_have_the_types_of_the_live_schema() -> None:
    declared = _fit().text.split("{")[0]
    assert declared == (
        "query transactions($first: Int!, $after: String, $filter: Transaction_Filter, $ownerSet: OwnerSet) "
    )


@pytest.mark.parametrize(
    ("change", "dropped"),
    [
        pytest.param((" text: String header", " header"), ("Transaction.text",), id="a field"),
        pytest.param((" header: Header", ""), ("Transaction.header",), id="a reference"),
        pytest.param(("Int64String text: String }", "Int64String }"), ("Header.text",), id="a field of a reference"),
        pytest.param(("header: Header", "header: String"), ("Transaction.header",), id="a reference that is text now"),
        pytest.param(
            ("text: String header", "text: Header header"), ("Transaction.text",), id="a text that is an object"
        ),
    ],
)
def test_an_optional_field_that_is_missing_is_dropped_and_reported(
    change: tuple[str, str], dropped: tuple[str, ...]
) -> None:
    fitted = _fit(change)
    assert fitted.dropped == dropped
    assert not {
        leaf for leaf in fitted.leaves if leaf[-1] == "text" and "Transaction.text" in dropped and len(leaf) == 3
    }
    assert _is_valid(fitted, change)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        pytest.param((" amount: MoneyString", ""), "Transaction.amount", id="a field"),
        pytest.param(("cursor: String ", ""), "TransactionEdge.cursor", id="the cursor"),
        pytest.param(("amount: MoneyString", "amount: Header"), "Transaction.amount", id="a field that is an object"),
        pytest.param(("transactions(", "ledgerLines("), "Query.transactions", id="the root"),
    ],
)
def test_a_required_field_that_is_missing_stops_the_run_with_its_name(change: tuple[str, str], name: str) -> None:
    with pytest.raises(ApiFailed, match=f" {name},"):
        _fit(change)


def test_an_argument_that_is_missing_is_not_sent() -> None:
    change = (", ownerSet: OwnerSet)", ")")
    fitted = _fit(change)
    assert fitted.variables == {"first", "after", "filter"}
    assert "ownerSet" not in fitted.text
    assert fitted.dropped == ()
    assert _is_valid(fitted, change)


def test_a_reference_left_without_fields_is_not_asked_for() -> None:
    change = ("type Header { dbId: Int64String text: String }", "type Header { other: Int }")
    with pytest.raises(ApiFailed, match=r"Header\.dbId"):
        _fit(change)
    fitted = _capabilities(change).fit(parse(_DOCUMENT.replace("dbId text @optional", "dbId @optional text @optional")))
    assert "header" not in fitted.text
    assert fitted.dropped == ("Header.dbId", "Header.text")
    assert _is_valid(fitted, change)


@pytest.mark.parametrize("name", _DOCUMENT_NAMES)
def test_every_document_fits_the_sandboxs_schema(name: str) -> None:
    capabilities = sandbox_capabilities()
    fitted = capabilities.fit(document(name))
    assert not validate(capabilities._schema, parse(fitted.text))


# Filters


def _with_filter(fields: str) -> Capabilities:
    return _capabilities(
        ("input Transaction_Filter { dbId_in: [Int64String!] }", f"input Transaction_Filter {{ {fields} }}")
    )


@pytest.mark.parametrize("operator", ["dbId_not_in", "dbId_nin", "dbId_notIn"])
def test_each_negative_operator_is_known(operator: str) -> None:
    found = _with_filter(f"dbId_in: [Int!] {operator}: [Int!] dbId_gt: Int dbId_lte: Int").id_filter("transactions")
    assert found.id_not_in == operator
    assert found.leaves_out_by_window


@pytest.mark.parametrize(
    ("fields", "above", "up_to"),
    [
        pytest.param("dbId_gt: Int dbId_lte: Int", {"dbId_gt": 5}, {"dbId_lte": 9}, id="gt, lte"),
        pytest.param("dbId_gte: Int dbId_lt: Int", {"dbId_gte": 6}, {"dbId_lt": 10}, id="gte, lt"),
        pytest.param("dbId_gt: Int dbId_lt: Int", {"dbId_gt": 5}, {"dbId_lt": 10}, id="gt, lt"),
        pytest.param("dbId_gte: Int dbId_lte: Int", {"dbId_gte": 6}, {"dbId_lte": 9}, id="gte, lte"),
        pytest.param(
            "dbId_gt: Int dbId_gte: Int dbId_lt: Int dbId_lte: Int", {"dbId_gt": 5}, {"dbId_lte": 9}, id="all of them"
        ),
        pytest.param(
            "dbId_gt: Int64String dbId_lte: Int64String dbId_in: [Int64String!]",
            {"dbId_gt": "5"},
            {"dbId_lte": "9"},
            id="ids as text",
        ),
        pytest.param(
            "dbId_gt: Int64String dbId_lte: Int64String", {"dbId_gt": "5"}, {"dbId_lte": "9"}, id="text, and no dbId_in"
        ),
        pytest.param(
            "dbId_not_in: [Int64String!]! dbId_gte: Int64String! dbId_lt: Int64String!",
            {"dbId_gte": "6"},
            {"dbId_lt": "10"},
            id="text that must be given",
        ),
    ],
)
def test_ranges_are_said_with_the_operators_there_are(fields: str, above: Any, up_to: Any) -> None:
    found = _with_filter(fields).id_filter("transactions")
    assert found.has_ranges
    assert (found.above(5), found.up_to(9)) == (above, up_to)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param("dbId_in: [Int!] dbId_not_in: [Int!]", id="none"),
        pytest.param("dbId_not_in: [Int!] dbId_gt: Int", id="no upper bound"),
        pytest.param("dbId_not_in: [Int!] dbId_lt: Int dbId_lte: Int", id="no lower bound"),
    ],
)
def test_half_a_range_is_none_so_the_ids_to_read_are_named(fields: str) -> None:
    found = _with_filter(fields).id_filter("transactions")
    assert not found.has_ranges
    assert not found.leaves_out_by_window


def test_ids_are_said_as_the_filter_takes_them() -> None:
    large = 2**53 + 1
    assert _with_filter("dbId_in: [Int!]").id_filter("transactions").values([1, large]) == [1, large]
    assert _with_filter("dbId_in: [Int64String!]").id_filter("transactions").values([1, large]) == ["1", str(large)]


@pytest.mark.parametrize("operator", ["headerTransactionSourceDbId_in", "transactionSourceDbId_in"])
def test_the_filters_on_document_type_and_account_are_known(operator: str) -> None:
    found = _with_filter(f"dbId_in: [Int!] {operator}: [Int!] accountDbId_in: [Int!]").id_filter("transactions")
    assert (found.document_type_in, found.account_in) == (operator, "accountDbId_in")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param((", filter: Transaction_Filter", ""), id="no filter argument"),
        pytest.param(("filter: Transaction_Filter", "filter: String"), id="a filter that is text"),
        pytest.param(("transactions(", "ledgerLines("), id="no such root"),
    ],
)
def test_a_root_without_a_filter_has_no_operators(change: tuple[str, str]) -> None:
    found = _capabilities(change).id_filter("transactions")
    assert (found.id_in, found.id_not_in, found.document_type_in, found.has_ranges) == (None, None, None, False)
    assert not _capabilities(change).has_filter("transactions", "dbId_in")


def test_roots_and_fields_are_known() -> None:
    offered = _capabilities()
    assert offered.has_root("transactions")
    assert not offered.has_root("Transactions")
    assert offered.has_field("Transaction", "amount")
    assert not offered.has_field("Transaction", "salary")
    assert not offered.has_field("Transaction_Filter", "dbId_in")
    assert not offered.has_field("Nobody", "dbId")
    assert offered.has_filter("transactions", "dbId_in")


# Introspection


def _introspect(*steps: Any) -> Capabilities:
    with scripted(steps) as server:
        return Capabilities.introspect(
            Client(server.url, "token", Pace(1000), Traffic(), lambda _: None, backoff_seconds=0.001)
        )


def test_the_live_schema_is_asked_for() -> None:
    offered = _introspect(answer(introspection_from_schema(build_schema(_SDL), descriptions=False)))
    assert offered.fit(parse(_DOCUMENT)).dropped == ()
    assert offered.id_filter("transactions").ids_are_text


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(answer(None), id="null"),
        pytest.param(answer({}), id="no schema"),
        pytest.param(answer({"__schema": {"queryType": {"name": "Query"}, "types": []}}), id="half a schema"),
        pytest.param(answer([]), id="list"),
        pytest.param(raw(json.dumps([1]).encode()), id="no answer"),
        pytest.param(raw(b"<html>"), id="HTML"),
    ],
)
def test_an_answer_that_is_no_schema_is_asked_for_again_and_then_ends_the_run(step: Any) -> None:
    whole = answer(introspection_from_schema(build_schema(_SDL), descriptions=False))
    assert _introspect(step, whole).has_root("transactions")
    with pytest.raises(ApiFailed, match="IntrospectionQuery"):
        _introspect(step)


def test_a_schema_without_queries_is_refused() -> None:
    with pytest.raises(ApiFailed, match="API_URL"):
        Capabilities(build_schema("type Mutation { a: Int }"))
