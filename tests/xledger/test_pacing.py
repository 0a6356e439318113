from __future__ import annotations

import random
import threading

import pytest
from fake_clock import FakeClock

from pipelines.xledger import pacing
from pipelines.xledger.pacing import BURST_SECONDS, Pace


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    fake = FakeClock()
    monkeypatch.setattr(pacing, "time", fake)
    return fake


def _passes(pace: Pace, clock: FakeClock, number: int, pauses: random.Random | None = None) -> list[float]:
    passed = []
    for _ in range(number):
        if pauses is not None:
            clock.now += pauses.choice([0.0, 0.01, 0.4, 2.0, 6.0])
        pace.wait()
        passed.append(clock.now)
    return passed


def test_the_first_requests_pass_at_once(clock: FakeClock) -> None:
    assert _passes(Pace(18), clock, 18) == [clock.now] * 18
    assert clock.slept == []


@pytest.mark.parametrize("requests", [1, 2, 18])
@pytest.mark.parametrize("seed", [None, 1, 2, 3], ids=["without pause", "pauses 1", "pauses 2", "pauses 3"])
def test_no_five_seconds_see_more_than_the_limit(clock: FakeClock, requests: int, seed: int | None) -> None:
    pauses = None if seed is None else random.Random(seed)  # noqa: S311
    passed = _passes(Pace(requests), clock, 150, pauses)
    for earlier, later in zip(passed, passed[requests:], strict=False):
        # Whole seconds and a sum of sleeps: the last digits of a float may differ.
        assert later - earlier >= BURST_SECONDS - 1e-6


def test_it_does_not_wait_longer_than_it_must(clock: FakeClock) -> None:
    _passes(Pace(18), clock, 18 * 4)
    assert sum(clock.slept) == pytest.approx(3 * BURST_SECONDS)


def test_threads_share_one_pace(clock: FakeClock) -> None:
    pace = Pace(5)
    threads = [threading.Thread(target=_passes, args=(pace, clock, 5)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(clock.slept) == pytest.approx(3 * BURST_SECONDS)
