"""A clock that moves only when somebody sleeps."""

from __future__ import annotations


class FakeClock:
    """Stands in for the ``time`` module; ``slept`` holds the sleeps in seconds."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        # What is left of a wait by the rounding of floats is none of its own.
        if seconds > 1e-3:
            self.slept.append(seconds)
        self.now += seconds
