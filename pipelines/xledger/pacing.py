"""Stay below the burst limit instead of bouncing off it."""

from __future__ import annotations

import threading
import time
from collections import deque

BURST_SECONDS = 5.0


class Pace:
    """Lets at most ``requests`` calls pass in any five seconds; Xledger's burst limit is 20 requests in 5 seconds."""

    def __init__(self, requests: int) -> None:
        self._requests = requests
        self._passed: deque[float] = deque()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may be sent."""
        with self._lock:
            now = time.monotonic()
            while self._passed and now - self._passed[0] >= BURST_SECONDS:
                self._passed.popleft()
            if len(self._passed) >= self._requests:
                time.sleep(max(0.0, BURST_SECONDS - (now - self._passed[0])))
                self._passed.popleft()
            self._passed.append(time.monotonic())
