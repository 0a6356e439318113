"""What is unknown of the live API can be had either way, and the schema tells the truth about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from graphql_client import Client
from kept_ledger import SMALL

from pipelines.sandbox import running

_FILTER_FIELDS = """
{
  lines: __type(name: "Transaction_Filter") { inputFields { name } }
  items: __type(name: "APTransaction_Filter") { inputFields { name } }
}
"""


@contextmanager
def _client(**changes: Any) -> Iterator[Client]:
    with running(SMALL, **changes) as sandbox:
        yield Client(sandbox.url, sandbox.token)


def _filter_keys(client: Client) -> tuple[set[str], set[str]]:
    told = client.data(_FILTER_FIELDS)
    lines, items = ({field["name"] for field in told[name]["inputFields"]} for name in ("lines", "items"))
    return lines, items


@pytest.mark.parametrize("operator", ["none", "dbId_not_in", "dbId_nin", "dbId_notIn"])
def test_negative_operator(operator: str) -> None:
    with _client(negative_operator=operator) as client:
        negative = {"dbId_not_in", "dbId_nin", "dbId_notIn"}
        for keys in _filter_keys(client):
            assert keys & negative == negative & {operator}
        everything = [node["dbId"] for node in client.nodes("apTransactions", "dbId")]
        if operator == "none":
            assert client.error("{ apTransactions(first: 1, filter: { dbId_not_in: [1] }) { edges { cursor } } }")
            return
        items = f"apTransactions(first: 10000, filter: {{ {operator}: $ids }})"
        query = f"query ($ids: [Int!]) {{ {items} {{ edges {{ node {{ dbId }} }} }} }}"
        edges = client.data(query, {"ids": everything[1:]})["apTransactions"]["edges"]
        assert [edge["node"]["dbId"] for edge in edges] == everything[:1]


def test_without_document_type_filter_and_id_ranges() -> None:
    with _client(document_type_filter=False, id_ranges=False) as client:
        lines, items = _filter_keys(client)
        assert not any("headerTransactionSourceDbId" in key for key in lines)
        assert not {"dbId_gt", "dbId_gte", "dbId_lt", "dbId_lte"} & (lines | items)
        assert client.error('{ transactions(first: 1, filter: { dbId_gt: "1" }) { edges { cursor } } }')
        assert client.data("{ transactions(first: 1) { edges { cursor } } }")["transactions"]["edges"]


def test_roots_fields_and_filter_keys_can_be_taken_out() -> None:
    gone = (
        "recentTransactions",
        "entities",
        "Account.costWagesSalaries",
        "Transaction_Filter.accountDbId_in",
        "Transaction.taxRule",
    )
    with _client(without=gone) as client:
        assert "recentTransactions" in client.error("{ recentTransactions(first: 1) { edges { cursor } } }")["message"]
        assert client.error("{ accounts(first: 1) { edges { node { costWagesSalaries } } } }")
        assert client.error("{ transactions(first: 1) { edges { node { taxRule { dbId } } } } }")
        assert "accountDbId_in" not in _filter_keys(client)[0]
        told = client.data('{ __type(name: "Query") { fields { name } } }')["__type"]["fields"]
        assert {"name": "entities"} not in told
        assert client.data("{ accounts(first: 1) { edges { node { cost } } } }")


def test_a_name_the_schema_does_not_have_cannot_be_taken_out() -> None:
    with (
        pytest.raises(RuntimeError, match=r"the schema has no Account\.nonsense"),
        running(SMALL, without=("Account.nonsense",)),
    ):
        pass


_SUPPLIERS = "{ suppliers(first: 1) { edges { node { dbId } } } }"
_NESTED = "{ transactions(first: 1) { edges { node { dbId header { dbId } } } } }"


def test_a_missing_permission_as_an_error() -> None:
    with _client(denied=("Supplier", "TransactionHeader")) as client:
        for query, entity in ((_SUPPLIERS, "Supplier"), (_NESTED, "TransactionHeader")):
            answer = client.post(query).json
            assert answer == {"errors": [{"message": f"Missing permission: {entity}", "code": "FORBIDDEN"}]}
        assert client.data("{ accounts(first: 1) { edges { cursor } } }")["accounts"]["edges"]


def test_a_missing_permission_as_null() -> None:
    with _client(denied=("Supplier", "TransactionHeader"), denied_form="null") as client:
        assert client.post(_SUPPLIERS).json == {"data": {"suppliers": None}}
        assert client.data(_NESTED)["transactions"]["edges"][0]["node"]["header"] is None


def test_longest_list_and_largest_body() -> None:
    with _client(longest_list=3, largest_body=2_000) as client:
        query = "query ($ids: [Int!]) { apTransactions(first: 1, filter: { dbId_in: $ids }) { edges { cursor } } }"
        client.data(query, {"ids": [1, 2, 3]})
        assert "too long" in client.error(query, {"ids": [1, 2, 3, 4]})["message"]
        response = client.post(query, {"ids": list(range(1_000))})
        assert response.status == 413
        assert response.json["errors"]


def test_statuses_of_bad_queries_and_tokens() -> None:
    with _client(query_error_status=400, token_error_status=401) as client:
        assert client.post("{ nonsense }").status == 400
        assert Client(client.url, "wrong").post("{ __typename }").status == 401


def test_largest_page_and_time_outs() -> None:
    with _client(max_page=20, timeout_above=10) as client:
        query = "{ transactions(first: %d) { edges { cursor } } }"
        assert client.data(query % 10)
        assert client.error(query % 11)["message"] == "Your query timed out."
        assert "20" in client.error(query % 21)["message"]


def test_what_is_left_out_means_what_the_switch_says() -> None:
    with _client(default_owner_set="CURRENT", default_object_status="CLOSED") as client:
        owners = {node["ownerDbId"] for node in client.nodes("transactions", "ownerDbId")}
        assert len(owners) == 1
        closed = list(client.nodes("suppliers", "toDate"))
        assert closed
        assert all(node["toDate"] for node in closed)
