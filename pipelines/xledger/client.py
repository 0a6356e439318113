"""One GraphQL request over HTTP: authorisation, limits, retries, typed errors. Nothing about ledgers.

Facts of the live API (public clients and Xledger's help centre): `Authorization: token <TOKEN>`; GraphQL errors come with
HTTP 200 and carry a top-level `code`; limits are codes for credits (with `extensions.resetAt`), burst (20 requests in
5 seconds) and concurrency, or HTTP 429; `Your query timed out.` asks for a smaller page.
"""

from __future__ import annotations

import json
import math
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import requests
from requests.auth import AuthBase

from pipelines.xledger import waiting
from pipelines.xledger.errors import (
    NO_DATA,
    ApiFailed,
    BudgetUsedUp,
    MalformedResponse,
    PermissionMissing,
    QueryRefused,
    QueryTimedOut,
    RequestTooLarge,
    TokenRejected,
    Unreachable,
)
from pipelines.xledger.pacing import BURST_SECONDS, Pace
from pipelines.xledger.settings import is_loopback

Answer = TypeVar("Answer")
Accept = Callable[[bytes], Answer]

_CONNECT_AND_READ_SECONDS = (10, 90)
_TRIES = 8
_LONGEST_BACKOFF_SECONDS = 30.0
_WAIT_WORTH_SAYING_SECONDS = 10.0
_LONGEST_CREDIT_WAIT_SECONDS = 2 * 3600.0
_DEFAULT_CREDIT_WAIT_SECONDS = 20 * 60.0
_LONGEST_LIMIT_WAITS_SECONDS = 4 * 3600.0
_API_TIME = ZoneInfo("Europe/Oslo")


@dataclass(frozen=True)
class Request:
    """One operation. ``variables`` never appear in an error or a log."""

    operation: str
    query: str
    variables: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass
class Traffic:
    """What the run has cost so far: requests sent (tries included), how many would have done, tries after a failure, bytes.

    No request begins once ``most_requests`` were sent or ``most_bytes`` went over the wire (None: no limit).
    ``server_time`` is the API's own clock, in UTC, as its last answer told it; None where it tells none.
    """

    requests: int = 0
    needed: int = 0
    retries: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    most_requests: int | None = None
    most_bytes: int | None = None
    server_time: datetime | None = None
    after_request: Callable[[], None] = field(default=lambda: None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self, retry: bool) -> None:
        """Count a request before it is sent.

        Raises:
            BudgetUsedUp: it would be one too many.
        """
        with self._lock:
            spent = self.bytes_sent + self.bytes_received
            if _reached(self.requests, self.most_requests) or _reached(spent, self.most_bytes):
                raise BudgetUsedUp(
                    "This month's budget is used up; the run stopped before it was passed, and nothing was published. "
                    "Wait for the next month (UTC), or raise monthly_requests or monthly_megabytes."
                )
            self.requests += 1
            self.retries += retry

    def needed_one(self) -> None:
        """Count a request whose answer was taken: without faults and refusals there would be no others."""
        with self._lock:
            self.needed += 1

    def add(self, sent: int, received: int) -> None:
        """Count the bytes of a request that ended, well or not."""
        with self._lock:
            self.bytes_sent += sent
            self.bytes_received += received
            self.after_request()


def _reached(spent: int, most: int | None) -> bool:
    return most is not None and spent >= most


class _TokenHeader(AuthBase):
    """Sets the header itself, so that no .netrc entry can replace it."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"token {self._secret}"
        return request


@dataclass
class _TryAgain(Exception):
    """A passing fault: wait, then send the same request again."""

    reason: str
    seconds: float | None = None
    is_limit: bool = False
    status: int | None = None


class Client:
    """Sends requests to one address with one token."""

    def __init__(
        self,
        api_url: str,
        secret: str,
        pace: Pace,
        traffic: Traffic,
        say: Callable[[str], None],
        backoff_seconds: float = 0.5,
        countdown: Callable[[str], None] | None = None,
    ) -> None:
        """``countdown`` is told every second of a long wait how long it still takes; without it ``say`` is, every minute."""
        self._url = api_url
        self._pace = pace
        self._tell, self._seconds_between = (countdown, 1.0) if countdown else (say, 60.0)
        self._backoff_seconds = backoff_seconds
        self.traffic = traffic
        self._session = requests.Session()
        self._session.auth = _TokenHeader(secret)
        self._session.trust_env = not is_loopback(api_url)
        self._session.headers.update({"Content-Type": "application/json", "Accept": "application/json"})

    def execute(self, request: Request, accept: Accept[Answer]) -> Answer:
        """Send until ``accept`` takes the body; it raises MalformedResponse for a body that is no whole answer.

        Raises:
            TokenRejected, PermissionMissing, Unreachable: the user has to act.
            QueryTimedOut, RequestTooLarge: the caller can ask for less.
            ApiFailed: nothing helped.
        """
        failures = 0
        waited_for_limits = 0.0
        while True:
            try:
                with self._pace.turn():
                    answer = self._send_once(request, accept, retry=failures > 0)
            except _TryAgain as caught:
                fault = caught
            else:
                self._pace.answered()
                return answer
            if fault.reason == _TOO_MANY_AT_ONCE:
                self._pace.refused_at_once()
            if fault.is_limit:
                seconds = fault.seconds or 1.0
                self._pace.pause(seconds)
                waited_for_limits += seconds
                if waited_for_limits > _LONGEST_LIMIT_WAITS_SECONDS:
                    raise ApiFailed(f"{request.operation}: {fault.reason}, for hours on end; run again later.")
            else:
                failures += 1
                if failures >= _TRIES_OF.get(fault.reason, _TRIES):
                    raise self._gave_up(request, fault, failures)
                backoff = min(_LONGEST_BACKOFF_SECONDS, self._backoff_seconds * 2 ** (failures - 1))
                seconds = fault.seconds or backoff * random.uniform(0.5, 1.0)  # noqa: S311
            self._sleep(seconds, f"{request.operation}: {fault.reason}")

    def _send_once(self, request: Request, accept: Accept[Answer], *, retry: bool) -> Answer:
        body = json.dumps(
            {"query": request.query, "operationName": request.operation, "variables": dict(request.variables)},
            separators=(",", ":"),
        ).encode()
        self.traffic.begin(retry)
        received = 0
        # Errors are raised outside the except blocks: as the context of ours, theirs would carry token, variables and body.
        fault: Exception | None = None
        try:
            with self._session.post(
                self._url, data=body, timeout=_CONNECT_AND_READ_SECONDS, allow_redirects=False, stream=True
            ) as response:
                content = response.content
                received = response.raw.tell()
        except requests.exceptions.RequestException as error:
            fault = _transport_fault(error)
        finally:
            self.traffic.add(len(body), received)
        if fault is not None:
            raise fault
        self.traffic.server_time = _told_time(response.headers.get("Date")) or self.traffic.server_time
        self._check_status(request, response, content)
        self._check_errors(request, content)
        try:
            answer = accept(content)
        except MalformedResponse as error:
            fault = _TryAgain(str(error))
        else:
            self.traffic.needed_one()
            return answer
        raise fault

    def _check_status(self, request: Request, response: requests.Response, content: bytes) -> None:
        status = response.status_code
        if status == 200:
            return
        if status == 429:
            seconds = _retry_after_seconds(response.headers.get("Retry-After"))
            raise _TryAgain("the API asks to wait (HTTP 429)", seconds or BURST_SECONDS, is_limit=True)
        if status == 413:
            raise RequestTooLarge(f"{request.operation}: the request is larger than the API takes (HTTP 413).")
        if status >= 500 or status == 408:
            raise _TryAgain(f"HTTP {status}", _retry_after_seconds(response.headers.get("Retry-After")), status=status)
        self._check_errors(request, content)
        if status in (401, 403):
            raise _token_rejected()
        if 300 <= status < 400:
            raise Unreachable(
                f"The address answers with a redirect (HTTP {status}), which is not followed; correct API_URL."
            )
        raise QueryRefused(f"{request.operation}: the API answered HTTP {status}; check API_URL and try again later.")

    def _check_errors(self, request: Request, content: bytes) -> None:
        # An unescaped "errors" between quotes can only be a key or a whole value, so large clean pages are not parsed twice.
        if b'"errors"' not in content:
            return
        answer = _parsed(content)
        if answer is None:
            raise _TryAgain("the body is no whole JSON")
        errors = answer.get("errors") if isinstance(answer, dict) else None
        if errors:
            raise _typed(request, errors if isinstance(errors, list) else [errors])

    def _gave_up(self, request: Request, fault: _TryAgain, failures: int) -> Exception:
        if fault.reason == _NO_CONNECTION:
            return Unreachable(
                "The API's address cannot be reached; check API_URL, the network and any proxy, then run again."
            )
        kind = QueryRefused if fault.reason == NO_DATA else ApiFailed
        return kind(f"{request.operation}: {fault.reason}, {failures} times in a row; run again later.")

    def _sleep(self, seconds: float, reason: str) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if seconds >= _WAIT_WORTH_SAYING_SECONDS:
                self._tell(f"{reason}: going on in {_duration(math.ceil(left))}")
            waiting.sleep(min(left, self._seconds_between))


_NO_CONNECTION = "no connection"
_TOO_MANY_AT_ONCE = "concurrency limit"
# Faults that rarely pass by themselves are not waited for as long.
_TRIES_OF = {_NO_CONNECTION: 3, NO_DATA: 4}


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _transport_fault(error: requests.exceptions.RequestException) -> Exception:
    match error:
        case requests.exceptions.ProxyError() | requests.exceptions.SSLError():
            return Unreachable(
                f"No trusted connection to the API ({type(error).__name__}); check proxy and certificates."
            )
        case requests.exceptions.ConnectTimeout():
            return _TryAgain(_NO_CONNECTION)
        case requests.exceptions.Timeout():
            return _TryAgain("no answer in time")
        case requests.exceptions.ConnectionError():
            return _TryAgain(_NO_CONNECTION if _never_connected(error) else "the connection broke")
        case _:
            return _TryAgain(f"the answer could not be read ({type(error).__name__})")


def _never_connected(error: requests.exceptions.ConnectionError) -> bool:
    text = repr(error)
    return "NewConnectionError" in text or "NameResolutionError" in text


def _parsed(content: bytes) -> Any:
    """The JSON in the body; None where it is none."""
    try:
        return json.loads(content)
    except ValueError:
        return None


def _token_rejected() -> TokenRejected:
    return TokenRejected(
        "Xledger does not accept the token. Make a new one (Administration, System Access, GraphQL, API tokens), paste it "
        "whole into .dlt/secrets.toml, and mind that a token made in demo works in demo only."
    )


def _typed(request: Request, errors: list[Any]) -> Exception:
    """The exception for the errors of an answer; data beside errors counts as failed."""
    codes: set[str] = set()
    for error in errors:
        fields = error if isinstance(error, dict) else {}
        extensions = fields.get("extensions") if isinstance(fields.get("extensions"), dict) else {}
        code = str(fields.get("code") or "")
        lower = str(fields.get("message") or "").lower()
        if code.endswith("INSUFFICIENT_CREDITS"):
            return _TryAgain("credits are used up", _seconds_until((extensions or {}).get("resetAt")), is_limit=True)
        if code.endswith("BURST_RATE_LIMIT_REACHED") or "too many requests" in lower:
            return _TryAgain("burst limit", BURST_SECONDS, is_limit=True)
        if code.endswith("CONCURRENCY_LIMIT_REACHED"):
            return _TryAgain(_TOO_MANY_AT_ONCE, 1.0, is_limit=True)
        if "query timed out" in lower:
            return QueryTimedOut(
                f"{request.operation}: the API's own time-out, even for its smallest page; run again later."
            )
        if "api token" in lower or "invalid token" in lower or "token not valid" in lower:
            return _token_rejected()
        if any(
            word in lower for word in ("permission", "not authorized", "not authorised", "access denied", "no access")
        ):
            return PermissionMissing((request.operation,))
        if any(word in lower for word in ("too long", "too large", "too many", "at most", "maximum", "exceeds")):
            return RequestTooLarge(f"{request.operation}: the API refuses the size of the request.")
        codes.add(_shown_code(code or str((extensions or {}).get("code") or "no code")))
    return QueryRefused(
        f"{request.operation}: the API refused the query ({', '.join(sorted(codes))}); "
        "run `make check`, and report this if it stays."
    )


def _shown_code(code: str) -> str:
    """The code where it is one; free text could repeat a variable."""
    return code if re.fullmatch(r"[A-Z0-9_.]{1,80}", code) or code == "no code" else "unknown code"


def _seconds_until(reset_at: object) -> float:
    try:
        moment = datetime.fromisoformat(str(reset_at))
    except ValueError:
        return _DEFAULT_CREDIT_WAIT_SECONDS
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_API_TIME)
    seconds = moment.timestamp() - time.time() + 1.0
    return min(max(seconds, 1.0), _LONGEST_CREDIT_WAIT_SECONDS)


def _told_time(header: str | None) -> datetime | None:
    """The moment of a Date header, in UTC without a zone."""
    try:
        moment = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None)


def _retry_after_seconds(header: str | None) -> float | None:
    """Seconds of a Retry-After header, given as a number or as a date."""
    if not header:
        return None
    try:
        return min(max(float(header), 0.1), _LONGEST_CREDIT_WAIT_SECONDS)
    except ValueError:
        pass
    try:
        return min(max(parsedate_to_datetime(header).timestamp() - time.time(), 0.1), _LONGEST_CREDIT_WAIT_SECONDS)
    except (ValueError, TypeError):
        return None
