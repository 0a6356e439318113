"""Limits: the same codes as the live API's, as a body with HTTP 200 or as HTTP 429."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from graphql_client import Client, Response
from kept_ledger import SMALL

from pipelines.sandbox import running

_PROBE = "{ __typename }"


def _codes(responses: list[Response]) -> list[str | None]:
    return [response.json["errors"][0]["code"] if "errors" in response.json else None for response in responses]


@pytest.mark.parametrize("status", [200, 429])
def test_burst(status: int) -> None:
    with running(SMALL, burst=3, burst_seconds=60.0, limit_status=status) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        responses = [client.post(_PROBE) for _ in range(5)]
        assert _codes(responses) == [None] * 3 + ["BAD_REQUEST.BURST_RATE_LIMIT_REACHED"] * 2
        assert "Too many requests" in responses[-1].json["errors"][0]["message"]
        assert [response.status for response in responses] == [200] * 3 + [status] * 2
        assert responses[-1].headers.get("Retry-After") == ("5" if status == 429 else None)


def test_burst_window_moves_on() -> None:
    with running(SMALL, burst=1, burst_seconds=0.2) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        accepted = 0
        while accepted < 3:
            accepted += "data" in client.post(_PROBE).json


def test_concurrency() -> None:
    with running(SMALL, concurrency=1, faults=("slow@1:stall",), stall_seconds=2.0) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        with ThreadPoolExecutor(8) as threads:
            query = (
                "{ transactions(first: 1000) { edges { node { dbId text account { code } header { dbId text } } } } }"
            )
            responses = list(threads.map(lambda _: client.post(query), range(24)))
        assert "BAD_REQUEST.CONCURRENCY_LIMIT_REACHED" in _codes(responses)
        assert None in _codes(responses)


def test_credits_run_out_and_tell_when_they_are_back() -> None:
    with running(SMALL, credits=5, credit_seconds=600.0) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        responses = [client.post("{ rateLimit { remaining cost } }") for _ in range(6)]
        assert [response.json["data"]["rateLimit"]["remaining"] for response in responses[:5]] == [4, 3, 2, 1, 0]
        error = responses[5].json["errors"][0]
        assert error["code"] == "BAD_REQUEST.INSUFFICIENT_CREDITS"
        reset_at = datetime.fromisoformat(error["extensions"]["resetAt"])
        assert 0 < (reset_at - datetime.now(UTC)).total_seconds() < 601


def test_credits_come_back_with_the_next_window() -> None:
    with running(SMALL, credits=1, credit_seconds=0.3) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        accepted = 0
        while accepted < 2:
            accepted += "data" in client.post(_PROBE).json


def test_a_bigger_page_costs_less_by_the_row() -> None:
    with running(SMALL) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        small, large = (
            client.data(f"{{ rateLimit {{ cost }} transactions(first: {size}) {{ edges {{ cursor }} }} }}")[
                "rateLimit"
            ]["cost"]
            for size in (100, 10_000)
        )
        assert small < large < 100 * small
