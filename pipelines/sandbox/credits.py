"""The credit pool: so many in each window, bigger pages cheaper by the row, an error with ``resetAt`` when it is empty."""

from __future__ import annotations

import math
import threading
import time
from datetime import UTC, datetime

from pipelines.sandbox.errors import ApiError
from pipelines.sandbox.options import SandboxOptions

_USUAL_CREDITS = 50_000


class Credits:
    """Counts what queries cost. Without a limit in the options nothing is refused."""

    def __init__(self, options: SandboxOptions) -> None:
        self._options = options
        self._allowed = options.credits or _USUAL_CREDITS
        self._lock = threading.Lock()
        self._window_ends = time.time() + options.credit_seconds
        self.remaining = self._allowed

    def cost(self, rows: int) -> int:
        """Credits for a query of so many rows: grows with the square root, not with the rows."""
        return 1 + math.isqrt(rows) // 10

    def spend(self, cost: int) -> None:
        """Take credits.

        Raises:
            ApiError: not enough are left in this window.
        """
        with self._lock:
            if time.time() >= self._window_ends:
                self._window_ends = time.time() + self._options.credit_seconds
                self.remaining = self._allowed
            if self._options.credits and cost > self.remaining:
                raise insufficient_credits(self._window_ends - time.time(), self._options.limit_status)
            self.remaining = max(0, self.remaining - cost)


def insufficient_credits(seconds: float, status: int) -> ApiError:
    """The pool is empty for so many seconds."""
    reset_at = datetime.fromtimestamp(time.time() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    headers = {"Retry-After": str(max(1, math.ceil(seconds)))} if status == 429 else None
    return ApiError("Insufficient credits.", "BAD_REQUEST.INSUFFICIENT_CREDITS", {"resetAt": reset_at}, status, headers)
