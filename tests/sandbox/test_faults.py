"""Each fault as the client sees it, on exactly the request it was planned for."""

from __future__ import annotations

import http.client
import json

import pytest
from graphql_client import Client, Response
from kept_ledger import SMALL

from pipelines.sandbox import SandboxOptions, running
from pipelines.sandbox.faults import KINDS, Faults

_QUERY = """
query lines($after: String) {
  transactions(first: 300, after: $after) { edges { cursor node { dbId text } } pageInfo { hasNextPage } }
}
"""


def _page(client: Client, after: str | None = None) -> Response:
    return client.post(_QUERY, {"after": after}, operation="lines")


def _cursors(response: Response) -> list[str]:
    return [edge["cursor"] for edge in response.json["data"]["transactions"]["edges"]]


@pytest.mark.parametrize(
    ("kind", "status", "beginning"),
    [
        ("500", 500, b"Internal"),
        ("502", 502, b"<html>"),
        ("503", 503, b"Service"),
        ("null_data", 200, b'{"data": null}'),
    ],
)
def test_no_graphql_at_all(kind: str, status: int, beginning: bytes) -> None:
    with running(SMALL, faults=(f"2:{kind}",)) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        good, bad, after = _page(client), _page(client), _page(client)
        assert (bad.status, bad.body.startswith(beginning)) == (status, True)
        assert good.body == after.body


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("reset", (ConnectionResetError, http.client.RemoteDisconnected)),
        ("reset_body", (ConnectionResetError, http.client.IncompleteRead)),
    ],
)
def test_the_connection_breaks(kind: str, error: tuple[type[Exception], ...]) -> None:
    with running(SMALL, faults=(f"lines@2:{kind}",)) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        _page(client)
        with pytest.raises(error):
            _page(client)
        assert _page(client).status == 200


def test_a_stall_sends_half_a_body_and_then_breaks() -> None:
    with running(SMALL, faults=("1:stall",), stall_seconds=0.2) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
            _page(client)
        assert _page(client).status == 200


def test_truncated_json_comes_as_a_whole_response() -> None:
    with running(SMALL, faults=("1:truncated",)) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        cut, whole = _page(client), _page(client)
        assert whole.body.startswith(cut.body)
        with pytest.raises(json.JSONDecodeError):
            json.loads(cut.body)


def test_partial_data_stands_beside_errors() -> None:
    with running(SMALL, faults=("1:partial",)) as sandbox:
        answer = _page(Client(sandbox.url, sandbox.token)).json
        assert answer["data"]["transactions"]["edges"]
        assert answer["errors"]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("burst", "BAD_REQUEST.BURST_RATE_LIMIT_REACHED"),
        ("concurrency", "BAD_REQUEST.CONCURRENCY_LIMIT_REACHED"),
        ("credits", "BAD_REQUEST.INSUFFICIENT_CREDITS"),
        ("timeout", "BAD_REQUEST"),
    ],
)
def test_errors_on_demand(kind: str, code: str) -> None:
    with running(SMALL, faults=(f"1:{kind}",)) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        assert _page(client).json["errors"][0]["code"] == code
        assert "data" in _page(client).json


def test_faults_in_the_rows() -> None:
    planned = ("2:repeated_cursor", "3:empty_page", "4:short_page", "5:overlap")
    with running(SMALL, faults=planned) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        first = _cursors(_page(client))
        repeated = _cursors(_page(client, first[-1]))
        assert repeated[-1] == first[-1]
        empty = _page(client, first[-1]).json["data"]["transactions"]
        assert empty == {"edges": None, "pageInfo": {"hasNextPage": True}}
        short = _page(client, first[-1]).json["data"]["transactions"]
        assert len(short["edges"]) == 300
        assert short["pageInfo"]["hasNextPage"] is False
        assert _cursors(_page(client, first[-1]))[:3] == first[-3:]
        assert first[-1] not in _cursors(_page(client, first[-1]))


def test_random_faults_follow_the_seed_and_the_rate() -> None:
    def drawn(seed: int) -> list[str | None]:
        plan = Faults(SandboxOptions(fault_rate=0.3, fault_seed=seed))
        return [plan.next(number, "x") for number in range(1, 401)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 80 < sum(fault is not None for fault in drawn(1)) < 160


@pytest.mark.parametrize("planned", ["7:nonsense", "reset", "x:reset", "lines@x:reset"])
def test_a_fault_that_does_not_exist_is_refused(planned: str) -> None:
    with pytest.raises(ValueError, match="fault"):
        Faults(SandboxOptions(faults=(planned,)))


def test_every_kind_is_described_and_tested_here() -> None:
    from pathlib import Path

    text = Path(__file__).read_text()
    assert [kind for kind in KINDS if kind not in text] == []
