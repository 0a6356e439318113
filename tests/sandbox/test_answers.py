"""The form of an answer: JSON forms of ids and money, times, nulls, paging, errors, compression."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest
from graphql_client import Client

_LINE = "dbId ownerDbId accountDbId companyDbId matchId text amount taxAmount reconciled currency { dbId code }"


def _page(client: Client, root: str, arguments: str, fields: str = "dbId") -> Any:
    query = f"""{{ {root}({arguments}) {{ edges {{ cursor node {{ {fields} }} }}
        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""
    return client.data(query)[root]


def test_ids_of_lines_are_text_and_of_items_numbers(client: Client) -> None:
    line = _page(client, "transactions", "first: 1", f"{_LINE} header {{ dbId createdAt postedDate }}")["edges"][0][
        "node"
    ]
    item = _page(client, "apTransactions", "first: 1", "dbId matchId exchangeRate amount")["edges"][0]["node"]
    assert line["dbId"].isdigit()
    assert line["header"]["dbId"].isdigit()
    assert isinstance(item["dbId"], int)
    assert isinstance(line["ownerDbId"], int)
    assert isinstance(item["exchangeRate"], float)
    assert re.fullmatch(r"-?\d+\.\d\d", line["amount"])
    assert re.fullmatch(r"-?\d+\.\d\d", item["amount"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", line["header"]["createdAt"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", line["header"]["postedDate"])
    assert line["reconciled"] is False


def test_an_empty_result_has_null_edges_and_a_page_info(client: Client) -> None:
    empty = _page(client, "transactions", 'first: 5, filter: { dbId: "1" }')
    assert empty["edges"] is None
    assert empty["pageInfo"]["hasNextPage"] is False


def test_a_reference_to_nothing_is_null(client: Client) -> None:
    nodes = [
        edge["node"]
        for edge in _page(client, "transactions", "first: 500", "company { dbId } taxRule { dbId }")["edges"]
    ]
    assert any(node["company"] is None for node in nodes)
    assert any(node["company"] for node in nodes)


def test_forward_pages_hold_every_row_once_in_the_order_of_ids(client: Client) -> None:
    paged = [int(node["dbId"]) for node in client.nodes("transactions", "dbId", page=3_333)]
    at_once = [int(node["dbId"]) for node in client.nodes("transactions", "dbId", page=10_000)]
    assert paged == at_once
    assert paged == sorted(set(paged))
    assert len(paged) >= 20_000


def test_backward_pages_meet_the_forward_ones(client: Client) -> None:
    forward = [node["dbId"] for node in client.nodes("apTransactions", "dbId")]
    backward: list[int] = []
    before = ""
    while True:
        page = _page(client, "apTransactions", f"last: 2000{before}")
        backward = [edge["node"]["dbId"] for edge in page["edges"]] + backward
        if not page["pageInfo"]["hasPreviousPage"]:
            break
        before = f', before: "{page["edges"][0]["cursor"]}"'
    assert backward == forward


def test_last_one_is_the_newest_and_can_be_bounded_by_after(client: Client) -> None:
    everything = [node["dbId"] for node in client.nodes("apTransactions", "dbId")]
    assert _page(client, "apTransactions", "last: 1")["edges"][0]["node"]["dbId"] == everything[-1]
    middle = _page(client, "apTransactions", f"first: 1, filter: {{ dbId: {everything[-3]} }}")["edges"][0]["cursor"]
    tail = _page(client, "apTransactions", f'last: 10, after: "{middle}"')
    assert [edge["node"]["dbId"] for edge in tail["edges"]] == everything[-2:]


def test_page_info_cursors_are_those_of_the_first_and_last_edge(client: Client) -> None:
    page = _page(client, "transactions", "first: 7")
    assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
    assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]


@pytest.mark.parametrize("root", ["apTransactions", "contacts"])
def test_a_cursor_is_not_always_the_id_but_leads_on_from_it(client: Client, root: str) -> None:
    edges = _page(client, root, "first: 3")["edges"]
    assert edges[1]["cursor"] != str(edges[1]["node"]["dbId"])
    following = _page(client, root, f'first: 1, after: "{edges[1]["cursor"]}"')["edges"]
    assert following[0] == edges[2]


def test_after_goes_with_a_filter(client: Client) -> None:
    first = _page(
        client,
        "apTransactions",
        "first: 2, filter: { headerTransactionSourceDbId: 611 }",
        "headerTransactionSourceDbId",
    )
    after = first["edges"][-1]["cursor"]
    second = _page(
        client,
        "apTransactions",
        f'first: 2, after: "{after}", filter: {{ headerTransactionSourceDbId: 611 }}',
        "headerTransactionSourceDbId",
    )
    assert [edge["node"] for edge in second["edges"]] == [{"headerTransactionSourceDbId": 611}] * 2
    assert second["edges"][0]["cursor"] not in [edge["cursor"] for edge in first["edges"]]


def test_pages_under_another_order_hold_every_row_once(client: Client) -> None:
    seen: list[int] = []
    after = ""
    while True:
        arguments = f"first: 50, orderBy: [{{ field: CREATED_AT, direction: DESC }}]{after}"
        page = _page(client, "objectValues", arguments)
        seen += [edge["node"]["dbId"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = f', after: "{page["edges"][-1]["cursor"]}"'
    assert sorted(seen) == sorted(node["dbId"] for node in client.nodes("objectValues", "dbId"))


@pytest.mark.parametrize(
    "arguments", ["first: 10001", "last: 10001", "first: 0", "first: -1", "first: 1, last: 1", 'after: "x"']
)
def test_a_page_that_makes_no_sense_is_refused(client: Client, arguments: str) -> None:
    error = client.error(f"{{ transactions({arguments}) {{ edges {{ cursor }} }} }}")
    assert error["code"] == "BAD_REQUEST"


def test_an_unknown_field_is_named_with_the_rule_in_the_extensions(client: Client) -> None:
    response = client.post("{ transactions(first: 1) { edges { node { secret } } } }")
    assert response.status == 200
    error = response.json["errors"][0]
    assert error["message"].startswith("Cannot query field 'secret'")
    assert error["extensions"]["code"] == "FIELDS_ON_CORRECT_TYPE"


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        pytest.param(
            "{ transactions(first: 1, filter: { dbId: 1.5 }) { edges { cursor } } }", None, id="fraction for an id"
        ),
        pytest.param(
            '{ apTransactions(first: 1, filter: { dbId: "1" }) { edges { cursor } } }', None, id="text for a number"
        ),
        pytest.param(
            "query ($f: APTransaction_Filter) { apTransactions(first: 1, filter: $f) { edges { cursor } } }",
            {"f": {"invoiceDate_gte": "01.01.2024"}},
            id="date of another form",
        ),
        pytest.param("query ($f: Int!) { transactions(first: $f) { edges { cursor } } }", {}, id="variable missing"),
        pytest.param("{ transactions(first: 1) { edges { cursor }", None, id="unfinished query"),
        pytest.param("", None, id="no query"),
    ],
)
def test_a_bad_value_is_an_error_of_the_arguments(client: Client, query: str, variables: Any) -> None:
    assert client.error(query, variables)["extensions"]["code"] == "ARGUMENTS_OF_CORRECT_TYPE"


def test_aliases_fragments_and_directives(client: Client) -> None:
    query = """
        query ($yes: Boolean!) {
          a: transactions(first: 1) { ...page }
          b: transactions(first: 1, filter: { headerTransactionSourceDbId: 611 }) { ...page }
        }
        fragment page on TransactionConnection {
          list: edges { __typename row: node { number: dbId text @skip(if: $yes) ... on Transaction { amount } } }
        }
    """
    answer = client.data(query, {"yes": True})
    assert answer["a"]["list"][0]["__typename"] == "TransactionEdge"
    assert list(answer["a"]["list"][0]["row"]) == ["number", "amount"]
    assert answer["a"] != answer["b"]


def test_quotes_and_unicode_come_back_as_they_are(client: Client) -> None:
    names = [node["description"] for node in client.nodes("suppliers", "description")]
    assert any("Müller" in name for name in names)
    assert any(re.search("[ÆØÅæøå]", name) for name in names)


def test_types_are_named_at_every_level(client: Client) -> None:
    fields = "__typename header { __typename user { __typename dbId } transactionSource { __typename } } glDimension { __typename }"
    nodes = [edge["node"] for edge in _page(client, "transactions", "first: 200", fields)["edges"]]
    assert nodes[0]["header"]["user"]["__typename"] == "User"
    assert nodes[0]["header"]["user"]["dbId"].isdigit()
    assert nodes[0]["header"]["transactionSource"]["__typename"] == "TransactionSource"
    assert {"__typename": "GLDimension"} in [node["glDimension"] for node in nodes]
    assert None in [node["glDimension"] for node in nodes]


def test_large_answers_are_compressed_when_asked_for(client: Client) -> None:
    query = "{ transactions(first: 100) { edges { node { dbId text } } } }"
    plain = client.post(query)
    packed = client.post(query, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 3


def test_content_type_is_not_insisted_on_and_a_file_upload_carries_its_json(client: Client) -> None:
    body = json.dumps({"query": "{ __typename }", "variables": None})
    headers = {"Authorization": f"token {client.token}", "Content-Type": "text/plain; charset=utf-8"}
    assert client.send(body.encode(), headers).json == {"data": {"__typename": "Query"}}
    form = f'--x\r\nContent-Disposition: form-data; name="content"\r\n\r\n{body}\r\n--x--\r\n'
    headers["Content-Type"] = "multipart/form-data; boundary=x"
    assert client.send(form.encode(), headers).json == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("body", [b"", b"not json", b"[1]", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(client: Client, body: bytes) -> None:
    response = client.send(body, {"Authorization": f"token {client.token}"})
    assert response.status == 400
    assert "errors" in response.json


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, 'Bad format for API Token. Expected header: "Authorization: token <your-token>"'),
        ("Bearer abc", 'Bad format for API Token. Expected header: "Authorization: token <your-token>"'),
        ("token ", 'Bad format for API Token. Expected header: "Authorization: token <your-token>"'),
        ("token wrong", "Invalid API token."),
    ],
)
def test_a_token_that_is_missing_malformed_or_unknown(client: Client, header: str | None, message: str) -> None:
    headers = {"Authorization": header} if header else {}
    response = client.send(b'{"query": "{ __typename }"}', headers)
    assert response.status == 200
    assert response.json["errors"][0]["message"] == message
    assert "data" not in response.json
