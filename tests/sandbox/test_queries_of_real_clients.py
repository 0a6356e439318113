"""Every query that public clients and documents were seen to send: it validates, and the answer makes sense."""

from __future__ import annotations

from typing import Any

import pytest
from graphql_client import Client


def _edges(answer: Any, root: str) -> Any:
    return answer[root]["edges"]


def test_typename_probe(client: Client) -> None:
    assert client.data("{ __typename }") == {"__typename": "Query"}


def test_connection_test_reads_the_company_and_its_dimensions(client: Client) -> None:
    query = """
        { viewer { entity { ownerDbId company { dbId } glSetupEntries { fieldObject { objectKind { dbId name } } } } } }
    """
    entity = client.data(query)["viewer"]["entity"]
    assert entity["ownerDbId"] > 0
    assert [entry["fieldObject"]["objectKind"]["dbId"] for entry in entity["glSetupEntries"]][:2] == ["30", "31"]


def test_rate_limit(client: Client) -> None:
    told = client.data("{ rateLimit { remaining cost } }")["rateLimit"]
    assert 0 < told["remaining"] < 50_000
    assert told["cost"] == 1


def test_lines_by_id_with_owner_set(client: Client) -> None:
    ids = [node["dbId"] for node in _first_nodes(client, "transactions", "dbId", 3)]
    query = """
        query ($first: Int, $after: String, $ownerSet: OwnerSet, $dbIdList: [Int64String!]) {
          transactions(first: $first, after: $after, ownerSet: $ownerSet, filter: { dbId_in: $dbIdList }) {
            edges { cursor node { dbId text amount header { dbId transactionSource { dbId code description } } } }
            pageInfo { hasNextPage hasPreviousPage }
          }
        }
    """
    answer = client.data(query, {"first": 10000, "ownerSet": "MINE", "dbIdList": ids})
    assert [edge["node"]["dbId"] for edge in _edges(answer, "transactions")] == ids


def test_items_by_id_take_numbers(client: Client) -> None:
    ids = [node["dbId"] for node in _first_nodes(client, "apTransactions", "dbId", 3)]
    query = "query ($dbIdList: [Int!]) { apTransactions(first: 9, filter: { dbId_in: $dbIdList }) { edges { node { dbId } } } }"
    answer = client.data(query, {"dbIdList": ids})
    assert [edge["node"]["dbId"] for edge in _edges(answer, "apTransactions")] == ids


def test_ids_of_the_wrong_type_are_refused(client: Client) -> None:
    query = "query ($ids: [Int64String!]) { apTransactions(first: 9, filter: { dbId_in: $ids }) { edges { cursor } } }"
    assert "$ids" in client.error(query, {"ids": ["1"]})["message"]


def test_customer_items_by_document_type_and_date(client: Client) -> None:
    query = """
        query ($after: String, $from: String) {
          arTransactions(first: 1000, after: $after, filter: {
            headerTransactionSourceDbId_in: [600, 797, 3536], subledgerDbId: 4100045, invoiceDate_gte: $from
          }) { edges { cursor node { dbId invoiceNumber } } pageInfo { hasNextPage } }
        }
    """
    answer = client.data(query, {"from": "2024-01-01"})
    assert answer["arTransactions"]["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize(
    "conditions",
    [
        pytest.param("{ headerTransactionSourceDbId_in: [5205, 49334581, 611] }", id="payments by document type"),
        pytest.param('{ invoiceNumber: "1", invoiceRemaining_gt: 0 }', id="open invoice by number"),
        pytest.param('{ invoiceDate_gte: "2024-01-01", invoiceDate_lt: "2024-02-01" }', id="invoices of a month"),
        pytest.param('{ matchId_in: [1, 2], invoiceDate_lte: "2025-01-01" }', id="items of match groups"),
        pytest.param("{}", id="empty filter"),
    ],
)
def test_customer_item_filters(client: Client, conditions: str) -> None:
    query = (
        f"{{ arTransactions(first: 1000, filter: {conditions}) {{ edges {{ cursor }} pageInfo {{ hasNextPage }} }} }}"
    )
    assert "pageInfo" in client.data(query)["arTransactions"]


def test_customer_items_newest_first(client: Client) -> None:
    query = """
        query ($order: [ARTransaction_Order], $filter: ARTransaction_Filter) {
          arTransactions(first: 5, orderBy: $order, filter: $filter, ownerSet: MINE) {
            edges { node { headerCreatedAt headerTransactionSourceDbId } }
          }
        }
    """
    order = [{"field": "HEADER_CREATED_AT", "direction": "DESC"}]
    answer = client.data(query, {"order": order, "filter": {"headerTransactionSourceDbId_in": [797]}})
    created = [edge["node"]["headerCreatedAt"] for edge in _edges(answer, "arTransactions")]
    assert len(created) == 5
    assert created == sorted(created, reverse=True)


def test_timesheets_by_employee_and_cursor(client: Client) -> None:
    query = """
        query ($employeeId: Int, $from: String, $cursor: Int64String) {
          timesheets(first: 100, filter: { employeeDbId: $employeeId, assignmentDate_gte: $from, dbId_gt: $cursor }) {
            edges { cursor node { dbId workingHours } } pageInfo { hasNextPage }
          }
        }
    """
    for cursor in (0, "0"):
        answer = client.data(query, {"employeeId": 1, "from": "2024-01-01", "cursor": cursor})
        assert answer["timesheets"] == {"edges": None, "pageInfo": {"hasNextPage": False}}


@pytest.mark.parametrize(
    ("root", "fields"),
    [
        ("suppliers", "dbId number description subledgerGroup { code } contact { dbId } bankAccount notes companyDbId"),
        ("accounts", "dbId code description chartOfAccountDbId"),
        ("contacts", "dbId name email"),
        ("entities", "dbId owner { dbId description code ownerCode ownerDbId }"),
        ("objectKinds", "dbId name modifiedAt"),
        ("objectValues", "dbId code description"),
        ("subledgers", "dbId code ledgerType { name }"),
        ("companies", "dbId companyNumber country"),
        ("journalHeaders", "dbId transactionNumber postedDate"),
    ],
)
def test_changed_since_with_a_time_variable(client: Client, root: str, fields: str) -> None:
    query = f"""
        query ($since: DateTimeString) {{
          {root}(first: 10000, filter: {{ modifiedAt_gte: $since }}) {{
            edges {{ node {{ {fields} }} }} pageInfo {{ hasNextPage }}
          }}
        }}
    """
    changed = client.data(query, {"since": "2019-01-01T00:00:00"})[root]["edges"]
    never = client.data(query, {"since": "2999-01-01T00:00:00"})[root]["edges"] if root != "entities" else None
    assert changed
    assert never is None


def test_single_subledger(client: Client) -> None:
    supplier = _first_nodes(client, "suppliers", "dbId description", 1)[0]
    answer = client.data("query ($id: ID!) { subledger(dbId: $id) { dbId description } }", {"id": supplier["dbId"]})
    assert answer["subledger"] == supplier


def test_newest_cursor_of_each_feed(client: Client) -> None:
    query = "query ($ownerSet: OwnerSet) { %s(last: 1, ownerSet: $ownerSet) { edges { cursor node { dbId mutationType } } } }"
    for feed in ("transaction_deltas", "apTransaction_deltas", "supplier_deltas"):
        client.data(query % feed, {"ownerSet": "MINE"})


def test_company_by_number(client: Client) -> None:
    number = next(node["companyNumber"] for node in _first_nodes(client, "companies", "companyNumber", 1))
    filtered = "companies(first: 10, filter: { companyNumber: $number })"
    query = f"query ($number: String) {{ {filtered} {{ edges {{ node {{ companyNumber }} }} }} }}"
    assert [edge["node"]["companyNumber"] for edge in _edges(client.data(query, {"number": number}), "companies")] == [
        number
    ]


def test_introspection_with_and_without_descriptions(client: Client) -> None:
    from graphql import build_client_schema, get_introspection_query

    schema = build_client_schema(client.data(get_introspection_query(descriptions=False)))
    assert schema.type_map.keys() >= {"Transaction", "Transaction_Filter", "OwnerSet"}
    told = client.data('{ __type(name: "Supplier_Filter") { inputFields { name } } }')["__type"]["inputFields"]
    assert {"name": "modifiedAt_gte"} in told


def _first_nodes(client: Client, root: str, fields: str, count: int) -> list[Any]:
    answer = client.data(f"{{ {root}(first: {count}) {{ edges {{ node {{ {fields} }} }} }} }}")
    return [edge["node"] for edge in answer[root]["edges"]]
