"""Burst and concurrency limits, told as Xledger tells them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.sandbox.errors import ApiError
from pipelines.sandbox.options import SandboxOptions


class Limits:
    """Counts requests. Only ever used from the server's event loop."""

    def __init__(self, options: SandboxOptions) -> None:
        self._options = options
        self._times: deque[float] = deque()
        self._running = 0

    @contextmanager
    def one_request(self) -> Iterator[None]:
        """Hold a place while a request is answered.

        Raises:
            ApiError: too many in the window, or too many at the same time.
        """
        self._count_burst()
        if self._options.concurrency and self._running >= self._options.concurrency:
            raise concurrency_reached(self._options.limit_status)
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    def _count_burst(self) -> None:
        if not self._options.burst:
            return
        now = time.monotonic()
        while self._times and now - self._times[0] >= self._options.burst_seconds:
            self._times.popleft()
        if len(self._times) >= self._options.burst:
            raise burst_reached(self._options.limit_status)
        self._times.append(now)


def burst_reached(status: int) -> ApiError:
    """More requests than the window allows."""
    return _limit("Too many requests.", "BURST_RATE_LIMIT_REACHED", status, "5")


def concurrency_reached(status: int) -> ApiError:
    """More requests at once than allowed."""
    return _limit("Too many concurrent requests.", "CONCURRENCY_LIMIT_REACHED", status, "1")


def _limit(message: str, code: str, status: int, retry_after: str) -> ApiError:
    headers = {"Retry-After": retry_after} if status == 429 else None
    return ApiError(message, f"BAD_REQUEST.{code}", None, status, headers)
