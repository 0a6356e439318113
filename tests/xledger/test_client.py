from __future__ import annotations

import base64
import json
import logging
import socket
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from fake_clock import FakeClock
from scripted_server import Step, answer, cut, raw, refusal, reset, reset_in_body, scripted, zipped

from pipelines.xledger import client as client_module
from pipelines.xledger import pacing, waiting
from pipelines.xledger.client import Client, Request, Traffic
from pipelines.xledger.errors import (
    NO_DATA,
    ApiFailed,
    MalformedResponse,
    PermissionMissing,
    QueryRefused,
    QueryTimedOut,
    RequestTooLarge,
    TokenRejected,
    Unreachable,
    XledgerError,
)
from pipelines.xledger.pacing import Pace

TOKEN = "SECRET-TOKEN-6b1f"
VARIABLE = "SECRET-VARIABLE-9931"
ROW = "SECRET-ROW-2210"
REQUEST = Request(
    "transactions", "query transactions($filter: F) { transactions }", {"filter": {"dbId_in": [VARIABLE]}}
)
DONE = answer({"rows": 1})


class Caller:
    """A client without waits of its own, and what it said."""

    def __init__(self, url: str) -> None:
        self.said: list[str] = []
        self.traffic = Traffic()
        self.client = Client(url, TOKEN, Pace(1000), self.traffic, self.said.append)

    def ask(self) -> Any:
        return self.client.execute(REQUEST, _parse)


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)["data"]["rows"]
    except (ValueError, KeyError, TypeError):
        raise MalformedResponse("the body is no whole answer") from None


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    fake = FakeClock()
    monkeypatch.setattr(client_module, "time", fake)
    monkeypatch.setattr(pacing, "time", fake)
    monkeypatch.setattr(waiting, "sleep", fake.sleep)
    return fake


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No secret in any log record, whatever the test does."""
    with caplog.at_level(logging.DEBUG):
        yield
    for record in caplog.records:
        assert not any(secret in record.getMessage() for secret in (TOKEN, VARIABLE, ROW))


def _ask(*steps: Step) -> tuple[Any, Caller, int]:
    with scripted(steps) as server:
        caller = Caller(server.url)
        return caller.ask(), caller, server.requests


def _failure(*steps: Step) -> tuple[XledgerError, int]:
    with scripted(steps) as server, pytest.raises(XledgerError) as raised:
        Caller(server.url).ask()
    _assert_tells_nothing(raised.value)
    return raised.value, server.requests


def _assert_tells_nothing(error: BaseException) -> None:
    """Neither the error nor what it drags along holds a secret: dlt writes the whole chain into its trace."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None:
        chain.append(link)
        link = link.__cause__ or link.__context__
    for one in chain:
        for told in (str(one), repr(one), repr(vars(one)), str(getattr(one, "doc", ""))):
            assert not any(secret in told for secret in (TOKEN, VARIABLE, ROW)), type(one)


def _limit(code: str, **extensions: object) -> Step:
    return refusal({"message": f"no more {ROW}", "code": code, "extensions": extensions})


def test_the_request_is_what_xledger_expects() -> None:
    with scripted([DONE]) as server:
        assert Caller(server.url).ask() == 1
    assert server.headers[0]["Authorization"] == f"token {TOKEN}"
    assert server.headers[0]["Content-Type"] == "application/json"
    assert "gzip" in server.headers[0]["Accept-Encoding"]
    assert server.sent() == {
        "query": REQUEST.query,
        "operationName": "transactions",
        "variables": {"filter": {"dbId_in": [VARIABLE]}},
    }


def test_a_netrc_entry_does_not_replace_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n", encoding="ascii")
    netrc.chmod(stat.S_IRUSR)
    monkeypatch.setenv("NETRC", str(netrc))
    with scripted([DONE]) as server:
        caller = Caller(server.url)
        # As for any address that is not on this machine: the environment is read.
        caller.client._session.trust_env = True
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        caller.ask()
    assert server.headers[0]["Authorization"] == f"token {TOKEN}"
    assert base64.b64encode(b"someone:else").decode() not in str(server.headers[0])


def test_a_loopback_address_is_not_reached_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert _ask(DONE)[0] == 1


@pytest.mark.parametrize(
    ("step", "at_least", "at_most"),
    [
        pytest.param(_limit("BAD_REQUEST.BURST_RATE_LIMIT_REACHED"), 5, 6, id="burst"),
        pytest.param(_limit("BAD_REQUEST.CONCURRENCY_LIMIT_REACHED"), 1, 2, id="concurrency"),
        pytest.param(_limit("BAD_REQUEST.INSUFFICIENT_CREDITS"), 1200, 1201, id="credits without a time"),
        pytest.param(_limit("BAD_REQUEST.INSUFFICIENT_CREDITS", resetAt="soon"), 1200, 1201, id="credits, no time"),
        pytest.param(_limit("BAD_REQUEST.INSUFFICIENT_CREDITS", resetAt=None), 1200, 1201, id="credits, null"),
        pytest.param(refusal({"message": "Too many requests, slow down"}), 5, 6, id="burst by message"),
        pytest.param(raw(b"slow down", 429), 5, 6, id="429"),
        pytest.param(raw(b"slow down", 429, Retry_After="7"), 7, 8, id="429 in seconds"),
        pytest.param(raw(b"slow down", 429, Retry_After="2.5"), 2.5, 3, id="429 in parts of a second"),
        pytest.param(raw(b"slow down", 429, Retry_After="in a while"), 5, 6, id="429 unreadable"),
        pytest.param(raw(b"slow down", 429, Retry_After="-3"), 0, 1, id="429 in the past"),
        pytest.param(raw(b"busy", 503, Retry_After="30"), 30, 31, id="503 in seconds"),
    ],
)
def test_a_limit_is_waited_for_and_then_the_read_goes_on(
    clock: FakeClock, step: Step, at_least: float, at_most: float
) -> None:
    rows, _, requests = _ask(step, DONE)
    assert (rows, requests) == (1, 2)
    assert at_least <= sum(clock.slept) <= at_most


def test_credits_are_waited_for_until_they_return(clock: FakeClock) -> None:
    utc = datetime.fromtimestamp(clock.now + 40, UTC)
    rows, caller, _ = _ask(_limit("BAD_REQUEST.INSUFFICIENT_CREDITS", resetAt=utc.isoformat()), DONE)
    assert rows == 1
    assert 40 <= sum(clock.slept) <= 42
    assert len(caller.said) == 1
    assert "credits are used up" in caller.said[0]


def test_a_long_wait_is_counted_down(clock: FakeClock) -> None:
    told: list[str] = []
    clock.now = 1_700_000_000.0
    utc = datetime.fromtimestamp(clock.now + 70, UTC)
    with scripted([_limit("BAD_REQUEST.INSUFFICIENT_CREDITS", resetAt=utc.isoformat()), DONE]) as server:
        client = Client(server.url, TOKEN, Pace(1000), Traffic(), told.append, countdown=told.append)
        assert client.execute(REQUEST, _parse) == 1
    assert told[0] == "transactions: credits are used up: going on in 1 min 11 s"
    assert told[-1] == "transactions: credits are used up: going on in 1 s"
    assert len(told) == 71


def test_what_would_have_done_is_counted_beside_what_was_sent() -> None:
    _, caller, requests = _ask(raw(b"", 500), _limit("BAD_REQUEST.CONCURRENCY_LIMIT_REACHED"), answer(None), DONE)
    assert (requests, caller.traffic.requests, caller.traffic.needed) == (4, 4, 1)


def test_a_reset_time_without_offset_is_central_european_time(clock: FakeClock) -> None:
    clock.now = datetime(2024, 7, 1, 10, 0, tzinfo=UTC).timestamp()
    _ask(_limit("BAD_REQUEST.INSUFFICIENT_CREDITS", resetAt="2024-07-01T12:03:00"), DONE)
    assert 180 <= sum(clock.slept) <= 182


def test_a_retry_after_date_is_waited_for(clock: FakeClock) -> None:
    moment = format_datetime(datetime.fromtimestamp(clock.now + 90, UTC), usegmt=True)
    assert _ask(raw(b"", 429, Retry_After=moment), DONE)[0] == 1
    assert 89 <= sum(clock.slept) <= 91


def test_limits_do_not_use_up_the_tries() -> None:
    rows, caller, requests = _ask(*[_limit("BAD_REQUEST.CONCURRENCY_LIMIT_REACHED")] * 30, DONE)
    assert (rows, requests) == (1, 31)
    assert caller.traffic.retries == 0


def test_a_limit_that_never_ends_ends_the_run(clock: FakeClock) -> None:
    error, _ = _failure(_limit("BAD_REQUEST.INSUFFICIENT_CREDITS"))
    assert type(error) is ApiFailed
    assert 3600 <= sum(clock.slept) <= 4 * 3600


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(raw(b"<html>Service unavailable</html>", 503), id="503"),
        pytest.param(raw(b"<html><h1>Bad Gateway</h1></html>", 502, Content_Type="text/html"), id="502 with HTML"),
        pytest.param(raw(b'{"errors":[{"message":"boom"}]}', 500), id="500 with errors"),
        pytest.param(raw(b"", 504), id="504"),
        pytest.param(raw(b"", 408), id="408"),
        pytest.param(raw(b"<html>maintenance</html>"), id="200 with HTML"),
        pytest.param(raw(b""), id="empty body"),
        pytest.param(raw(b'{"data":{"rows":'), id="truncated JSON"),
        pytest.param(raw(b'{"data":null,"errors":[{"mess'), id="truncated errors"),
        pytest.param(raw(b'{"data":{"rows":"\xff\xfe"}, "errors": []}'), id="no UTF-8"),
        pytest.param(cut(b'{"data":{"rows":1}}', 500), id="shorter than promised"),
        pytest.param(raw(b"no gzip at all", Content_Encoding="gzip"), id="broken gzip"),
        pytest.param(answer(None), id="null data"),
        pytest.param(reset, id="reset before the body"),
        pytest.param(reset_in_body, id="reset in the body"),
    ],
)
def test_a_passing_fault_is_tried_again(clock: FakeClock, step: Step) -> None:
    rows, caller, requests = _ask(step, step, DONE)
    assert (rows, requests) == (1, 3)
    assert (caller.traffic.requests, caller.traffic.retries) == (3, 2)
    assert len(clock.slept) == 2


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(raw(b"<html>" + ROW.encode(), 503), id="503"),
        pytest.param(raw(b'{"data":{"rows":"' + ROW.encode()), id="truncated JSON"),
        pytest.param(raw(b'{"errors":[{"' + ROW.encode()), id="truncated errors"),
        pytest.param(reset_in_body, id="reset in the body"),
        pytest.param(cut(ROW.encode(), 5000), id="shorter than promised"),
    ],
)
def test_a_lasting_fault_ends_the_run_and_tells_nothing(clock: FakeClock, step: Step) -> None:
    error, requests = _failure(step)
    assert type(error) is ApiFailed
    assert error.exit_code == 1
    assert requests == 8
    assert str(error).startswith("transactions: ")
    assert max(clock.slept) <= 30


def test_an_answer_without_data_is_not_tried_as_often() -> None:
    with scripted([answer(None)]) as server, pytest.raises(ApiFailed, match="holds no data, 4 times in a row"):
        Caller(server.url).client.execute(REQUEST, _no_data)
    assert server.requests == 4


def _no_data(_: bytes) -> None:
    raise MalformedResponse(NO_DATA)


def test_waits_between_tries_grow(clock: FakeClock) -> None:
    _failure(raw(b"", 500))
    for number, slept in enumerate(clock.slept):
        longest = min(30.0, 0.5 * 2**number)
        assert longest / 2 - 1e-3 <= slept <= longest + 1e-3


def test_a_long_wait_between_tries_is_said(clock: FakeClock) -> None:
    _, caller, _ = _ask(raw(b"", 503, Retry_After="600"), DONE)
    assert 600 <= sum(clock.slept) <= 601
    assert "HTTP 503" in caller.said[0]


def test_nobody_listening_is_a_matter_of_configuration() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/graphql"
    with pytest.raises(Unreachable) as raised:
        Caller(url).ask()
    assert raised.value.exit_code == 2
    assert "API_URL" in str(raised.value)
    _assert_tells_nothing(raised.value)


def test_no_proxy_is_a_matter_of_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    caller = Caller("http://127.0.0.1:9/graphql")
    caller.client._session.trust_env = True
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(Unreachable) as raised:
        caller.ask()
    assert "proxy" in str(raised.value)
    _assert_tells_nothing(raised.value)


@pytest.mark.parametrize(
    ("step", "kind", "exit_code"),
    [
        pytest.param(
            refusal({"message": 'Bad format for API Token. Expected header: "Authorization: token <your-token>"'}),
            TokenRejected,
            2,
            id="malformed token",
        ),
        pytest.param(refusal({"message": "Invalid token"}), TokenRejected, 2, id="invalid token"),
        pytest.param(raw(b"no", 401), TokenRejected, 2, id="401"),
        pytest.param(raw(b"<html>no</html>", 403), TokenRejected, 2, id="403"),
        pytest.param(refusal({"message": "You do not have permission to read"}), PermissionMissing, 2, id="permission"),
        pytest.param(refusal({"message": "Access denied"}, status=403), PermissionMissing, 2, id="403 with errors"),
        pytest.param(refusal({"message": "Your query timed out."}), QueryTimedOut, 1, id="query timed out"),
        pytest.param(raw(b"", 413), RequestTooLarge, 1, id="413"),
        pytest.param(refusal({"message": "The list is too long: at most 500"}), RequestTooLarge, 1, id="list too long"),
        pytest.param(raw(b"moved", 301, Location="http://127.0.0.1:1/elsewhere"), Unreachable, 2, id="redirect"),
        pytest.param(raw(b"not here", 404), QueryRefused, 1, id="404"),
        pytest.param(
            refusal({"message": f"Cannot query field {ROW}"}, status=400), QueryRefused, 1, id="400 with errors"
        ),
        pytest.param(refusal({"message": f"about {ROW}"}, data={"rows": 1}), QueryRefused, 1, id="data beside errors"),
        pytest.param(refusal("just text"), QueryRefused, 1, id="an error that is text"),
        pytest.param(refusal({"message": "x", "extensions": "none"}), QueryRefused, 1, id="extensions that are text"),
        pytest.param(raw(b'{"errors": "boom"}'), QueryRefused, 1, id="errors that are text"),
        pytest.param(raw(b'{"errors": 5}'), QueryRefused, 1, id="errors that are a number"),
        pytest.param(raw(b'{"errors": {"message": "boom"}}'), QueryRefused, 1, id="one error without a list"),
    ],
)
def test_anything_else_is_fatal_at_once(clock: FakeClock, step: Step, kind: type[XledgerError], exit_code: int) -> None:
    error, requests = _failure(step, DONE)
    assert type(error) is kind
    assert error.exit_code == exit_code
    assert requests == 1
    assert clock.slept == []


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        pytest.param({"message": "x", "code": "BAD_REQUEST.SOMETHING"}, "BAD_REQUEST.SOMETHING", id="top level"),
        pytest.param(
            {"message": "x", "extensions": {"code": "ARGUMENTS_OF_CORRECT_TYPE"}},
            "ARGUMENTS_OF_CORRECT_TYPE",
            id="in extensions",
        ),
        pytest.param({"message": "x"}, "no code", id="none"),
        pytest.param({"message": "x", "code": f"bad value {VARIABLE}"}, "unknown code", id="free text"),
    ],
)
def test_a_refusal_names_the_operation_and_the_code(error: object, shown: str) -> None:
    raised, _ = _failure(refusal(error))
    assert str(raised).startswith(f"transactions: the API refused the query ({shown})")


def test_a_redirect_is_not_followed() -> None:
    with scripted([DONE]) as elsewhere:
        error, _ = _failure(raw(b"", 307, Location=elsewhere.url))
        assert elsewhere.requests == 0
    assert "redirect" in str(error)


def test_a_text_that_says_errors_is_no_error() -> None:
    assert _ask(answer({"rows": "errors"}))[0] == "errors"
    assert _ask(raw(b'{"data":{"rows":1},"errors":[]}'))[0] == 1
    assert _ask(raw(b'{"data":{"rows":1},"errors":null}'))[0] == 1


def test_a_zipped_answer_is_read_and_its_bytes_are_counted_as_sent() -> None:
    rows = "x" * 100_000
    with scripted([zipped({"rows": rows})]) as server:
        caller = Caller(server.url)
        assert caller.ask() == rows
    assert 0 < caller.traffic.bytes_received < 5_000
    assert caller.traffic.bytes_sent == len(server.bodies[0])


def test_bytes_of_every_try_are_counted() -> None:
    body = json.dumps({"data": {"rows": 1}}).encode()
    _, caller, _ = _ask(raw(b"x" * 10, 500), DONE)
    assert caller.traffic.bytes_received == 10 + len(body)


def test_a_failure_of_the_caller_passes_through() -> None:
    class Refused(Exception):
        pass

    def refuse(_: bytes) -> None:
        raise Refused

    with scripted([DONE]) as server, pytest.raises(Refused):
        Caller(server.url).client.execute(REQUEST, refuse)
    assert server.requests == 1


def test_no_secret_shows_when_things_are_printed() -> None:
    caller = Caller("http://127.0.0.1:9/graphql")
    for thing in (REQUEST, caller.client, caller.client._session.auth, caller.traffic):
        assert TOKEN not in repr(thing)
        assert VARIABLE not in repr(thing)
