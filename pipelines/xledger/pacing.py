"""Stay below the API's limits instead of bouncing off them: requests in a window, requests at once, pauses it asks for."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.xledger import waiting

BURST_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.2
_ANSWERS_BEFORE_ONE_MORE = 32


class Pace:
    """When the next request of a token may be sent; all threads of the token share one.

    At most ``requests`` pass in any five seconds; Xledger's burst limit is 20 requests in 5 seconds. How many may be under way
    at once is not told by Xledger, so it is learnt: one fewer after a refusal, one more after a row of answers that doubles
    with each refusal.
    """

    def __init__(self, requests: int) -> None:
        self._requests = requests
        self._passed: deque[float] = deque()
        self._closed_until = 0.0
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self._under_way = 0
        self._at_once: int | None = None
        self._answers = 0
        self._answers_needed = _ANSWERS_BEFORE_ONE_MORE

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold one of the places for requests at once, from when the pace lets it begin.

        Raises:
            Interrupted: the run is to end.
        """
        self._take_place()
        try:
            self._wait()
            waiting.sleep(0)
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify()

    def pause(self, seconds: float) -> None:
        """The API asked one request to wait: none of the others begins before that either."""
        with self._changed:
            self._closed_until = max(self._closed_until, time.monotonic() + seconds)

    def refused_at_once(self) -> None:
        """The API refused a request because too many were under way: fewer from now on."""
        with self._changed:
            # Its own place is given back already: as many as are under way now were taken.
            self._at_once = max(1, min(self._under_way, (self._at_once or self._under_way + 1) - 1))
            self._answers = 0
            self._answers_needed *= 2

    def answered(self) -> None:
        """A request was answered: after enough of them, try one more at once."""
        with self._changed:
            self._answers += 1
            if self._at_once is not None and self._answers >= self._answers_needed:
                self._at_once += 1
                self._answers = 0
                self._changed.notify()

    def _take_place(self) -> None:
        with self._changed:
            while self._at_once is not None and self._under_way >= self._at_once:
                # A look now and then, so that the end of the run is noticed here as well.
                self._changed.wait(_LOOK_AGAIN_SECONDS)
                if waiting.is_asked_to_end():
                    raise waiting.Interrupted
            self._under_way += 1

    def _wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            if now < self._closed_until:
                waiting.sleep(self._closed_until - now)
                now = time.monotonic()
            while self._passed and now - self._passed[0] >= BURST_SECONDS:
                self._passed.popleft()
            if len(self._passed) >= self._requests:
                waiting.sleep(BURST_SECONDS - (now - self._passed[0]))
                self._passed.popleft()
            self._passed.append(time.monotonic())
