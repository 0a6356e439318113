"""Filters and owner sets: each operator against the same rows picked in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from graphql_client import Client

from pipelines.sandbox import Sandbox, running

_ITEM = (
    "dbId ownerDbId matchId subledgerDbId amount invoiceRemaining invoiceNumber invoiceDate headerTransactionSourceDbId"
)
_LINE = "dbId ownerDbId accountDbId companyDbId amount text matchId periodId header { transactionSource { dbId } }"


@pytest.fixture(scope="module")
def items(client: Client) -> list[Any]:
    return list(client.nodes("apTransactions", _ITEM))


@pytest.fixture(scope="module")
def lines(client: Client) -> list[Any]:
    return list(client.nodes("transactions", _LINE))


def _found(client: Client, root: str, conditions: Any, fields: str = "dbId", owner_set: str | None = None) -> list[Any]:
    kind = {
        "apTransactions": "APTransaction",
        "transactions": "Transaction",
        "suppliers": "Supplier",
        "accounts": "Account",
    }[root]
    query = f"""query ($filter: {kind}_Filter, $owners: OwnerSet) {{
        {root}(first: 10000, filter: $filter, ownerSet: $owners) {{ edges {{ node {{ {fields} }} }} }} }}"""
    edges = client.data(query, {"filter": conditions, "owners": owner_set})[root]["edges"]
    return [edge["node"] for edge in edges or []]


ItemTest = Callable[[Any], bool]


@pytest.mark.parametrize(
    ("conditions", "test"),
    [
        pytest.param({"matchId": 0}, lambda item: item["matchId"] == 0, id="equality"),
        pytest.param(
            {"invoiceDate_gt": "2025-06-01"}, lambda item: (item["invoiceDate"] or "") > "2025-06-01", id="gt date"
        ),
        pytest.param(
            {"invoiceDate_gte": "2025-06-01"}, lambda item: (item["invoiceDate"] or "") >= "2025-06-01", id="gte date"
        ),
        pytest.param(
            {"invoiceDate_lt": "2024-03-01"}, lambda item: "" < (item["invoiceDate"] or "") < "2024-03-01", id="lt date"
        ),
        pytest.param(
            {"invoiceDate_lte": "2024-03-01"},
            lambda item: "" < (item["invoiceDate"] or "") <= "2024-03-01",
            id="lte date",
        ),
        pytest.param({"invoiceRemaining_lt": "0"}, lambda item: Decimal(item["invoiceRemaining"]) < 0, id="lt money"),
        pytest.param({"amount_gte": 100}, lambda item: Decimal(item["amount"]) >= 100, id="money as a number"),
        pytest.param(
            {"headerTransactionSourceDbId": 605},
            lambda item: item["headerTransactionSourceDbId"] == 605,
            id="document type",
        ),
        pytest.param(
            {"headerTransactionSourceDbId_in": [605, 611]},
            lambda item: item["headerTransactionSourceDbId"] in (605, 611),
            id="in",
        ),
        pytest.param({"dbId_in": []}, lambda _item: False, id="in an empty list"),
        pytest.param({"matchId": None}, lambda _item: True, id="null does not count"),
        pytest.param(
            {"matchId": 0, "headerTransactionSourceDbId": 605},
            lambda item: item["matchId"] == 0 and item["headerTransactionSourceDbId"] == 605,
            id="keys together",
        ),
        pytest.param(
            {"OR": [{"matchId": 0}, {"headerTransactionSourceDbId": 622}]},
            lambda item: item["matchId"] == 0 or item["headerTransactionSourceDbId"] == 622,
            id="OR",
        ),
        pytest.param(
            {"AND": [{"matchId": 0}, {"OR": [{"amount_gt": "0"}, {"headerTransactionSourceDbId": 605}]}]},
            lambda item: (
                item["matchId"] == 0 and (Decimal(item["amount"]) > 0 or item["headerTransactionSourceDbId"] == 605)
            ),
            id="AND with OR inside",
        ),
    ],
)
def test_items_by_filter(client: Client, items: list[Any], conditions: Any, test: ItemTest) -> None:
    expected = [item["dbId"] for item in items if test(item)]
    assert [node["dbId"] for node in _found(client, "apTransactions", conditions)] == expected
    assert expected or conditions == {"dbId_in": []}


def test_lines_by_document_type_and_account(client: Client, lines: list[Any]) -> None:
    expected = [line["dbId"] for line in lines if line["header"]["transactionSource"]["dbId"] in (622, 3561)]
    assert [
        node["dbId"] for node in _found(client, "transactions", {"headerTransactionSourceDbId_in": [622, 3561]})
    ] == expected
    account = lines[0]["accountDbId"]
    expected = [line["dbId"] for line in lines if line["accountDbId"] == account]
    assert [node["dbId"] for node in _found(client, "transactions", {"accountDbId_in": [account]})] == expected


def test_the_negative_operator_leaves_out_exactly_the_list(client: Client, lines: list[Any]) -> None:
    window = [line["dbId"] for line in lines[:9_000]]
    excluded = window[::3]
    conditions = {"dbId_lte": window[-1], "dbId_not_in": excluded}
    expected = [db_id for db_id in window if db_id not in set(excluded)]
    assert [node["dbId"] for node in _found(client, "transactions", conditions)] == expected


@pytest.fixture(scope="module")
def large() -> Iterator[Client]:
    """More lines than DuckDB stores in one piece: from here on a join may give them in another order."""
    with running(lines=130_000) as started:
        yield Client(started.url, started.token)


@pytest.mark.parametrize("operator", ["dbId_in", "dbId_not_in"])
def test_pages_through_a_list_hold_every_row_once_in_order(large: Client, operator: str) -> None:
    ids = [node["dbId"] for node in large.nodes("transactions", "dbId")]
    assert [int(db_id) for db_id in ids] == sorted({int(db_id) for db_id in ids})
    listed = ids[::3]
    among = set(listed)
    query = """
        query ($after: String, $filter: Transaction_Filter) {
          transactions(first: 10000, after: $after, filter: $filter) { edges { cursor node { dbId } } pageInfo { hasNextPage } }
        }
    """
    found: list[str] = []
    after, more = None, True
    while more:
        page = large.data(query, {"after": after, "filter": {operator: listed}})["transactions"]
        found += [edge["node"]["dbId"] for edge in page["edges"]]
        after, more = page["edges"][-1]["cursor"], page["pageInfo"]["hasNextPage"]
    assert found == [db_id for db_id in ids if (db_id in among) == (operator == "dbId_in")]


def test_id_ranges_of_lines(client: Client, lines: list[Any]) -> None:
    ids = [int(line["dbId"]) for line in lines]
    low, high = ids[100], ids[200]
    for conditions, expected in (
        ({"dbId_gt": low, "dbId_lt": high}, ids[101:200]),
        ({"dbId_gte": str(low), "dbId_lte": str(high)}, ids[100:201]),
    ):
        assert [int(node["dbId"]) for node in _found(client, "transactions", conditions)] == expected


def test_owner_sets_of_the_group_and_of_a_subsidiary(client: Client, sandbox: Sandbox, lines: list[Any]) -> None:
    top, industry, service = (int(owner) for owner in sandbox.tokens)
    child = Client(sandbox.url, sandbox.tokens[industry])

    def owners(of: Client, root: str, owner_set: str | None) -> set[int]:
        return {node["ownerDbId"] for node in _found(of, root, {}, "ownerDbId", owner_set)}

    assert {line["ownerDbId"] for line in lines} == {top, industry, service}
    assert owners(client, "transactions", "CURRENT") == {top}
    assert owners(client, "transactions", "LOWER") == {top, industry, service}
    assert owners(client, "transactions", "UPPER") == {top}
    assert owners(client, "transactions", "MINE") == owners(client, "transactions", None) == {top, industry, service}
    assert owners(child, "transactions", "ALL") == {industry}
    assert owners(child, "accounts", "CURRENT") == set()
    assert owners(child, "accounts", "UPPER") == {top}
    assert owners(child, "suppliers", "UPPER") == {top, industry}
    assert owners(child, "suppliers", "ALL") == {top, industry}


def test_object_status(client: Client) -> None:
    def count(status: str) -> int:
        answer = client.data(f"{{ suppliers(first: 10000, objectStatus: {status}) {{ edges {{ cursor }} }} }}")
        return len(answer["suppliers"]["edges"])

    assert count("OPEN") + count("CLOSED") == count("ALL")
    assert count("CLOSED") > 0


def test_recent_lines_are_those_of_the_last_three_days(client: Client) -> None:
    recent = list(client.nodes("recentTransactions", "dbId header { modifiedAt }"))
    assert recent
    assert all(node["header"]["modifiedAt"] > "2026-01-02T09:00:00" for node in recent)
