from __future__ import annotations

import random
import threading
import time as real_time

import pytest
from fake_clock import FakeClock

from pipelines.xledger import pacing
from pipelines.xledger.pacing import BURST_SECONDS, Pace
from pipelines.xledger.waiting import Interrupted


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    fake = FakeClock()
    monkeypatch.setattr(pacing, "time", fake)
    monkeypatch.setattr(pacing.waiting, "sleep", fake.sleep)
    return fake


def _begin(pace: Pace) -> None:
    with pace.turn():
        pass


def _passes(pace: Pace, clock: FakeClock, number: int, pauses: random.Random | None = None) -> list[float]:
    passed = []
    for _ in range(number):
        if pauses is not None:
            clock.now += pauses.choice([0.0, 0.01, 0.4, 2.0, 6.0])
        _begin(pace)
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


def test_a_pause_that_the_api_asked_for_holds_for_all(clock: FakeClock) -> None:
    pace = Pace(18)
    began = clock.now
    pace.pause(40)
    pace.pause(7)
    assert _passes(pace, clock, 3) == [began + 40] * 3


class Api:
    """Allows so many requests at once; ``sent`` counts them, refused ones too."""

    def __init__(self, pace: Pace, at_once: int) -> None:
        self.pace, self.at_once = pace, at_once
        self.sent = self.refused = self.most = self._running = 0
        self._lock = threading.Lock()

    def ask(self) -> None:
        while True:
            with self.pace.turn():
                with self._lock:
                    self.sent += 1
                    self._running += 1
                    self.most = max(self.most, self._running)
                    is_refused = self._running > self.at_once
                if not is_refused:
                    real_time.sleep(0.002)
                with self._lock:
                    self._running -= 1
            if not is_refused:
                self.pace.answered()
                return
            self.refused += 1
            self.pace.refused_at_once()

    def ask_in_threads(self, threads: int, each: int) -> None:
        started = [threading.Thread(target=lambda: [self.ask() for _ in range(each)]) for _ in range(threads)]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_fewer_requests_at_once_after_a_refusal(at_once: int) -> None:
    api = Api(Pace(100_000), at_once)
    api.ask_in_threads(6, 40)
    # Six at the beginning, and one more try after each longer row of answers.
    assert api.sent - api.refused == 240
    assert 0 < api.refused <= 6 + 6
    refused = api.refused
    api.ask_in_threads(6, 10)
    assert api.refused - refused <= 3


def test_as_many_as_before_once_the_api_allows_it() -> None:
    api = Api(Pace(100_000), 1)
    api.ask_in_threads(4, 10)
    api.at_once, api.most, refused = 4, 0, api.refused
    api.ask_in_threads(4, 1200)
    assert (api.most, api.refused) == (4, refused)


def test_a_run_that_is_to_end_begins_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()
    monkeypatch.setattr(pacing.waiting, "_asked_to_end", asked)
    pace = Pace(1)
    _begin(pace)
    ended: list[type[BaseException]] = []

    def wait() -> None:
        try:
            _begin(pace)
        except Interrupted as error:
            ended.append(type(error))

    waits = [threading.Thread(target=wait) for _ in range(3)]
    for thread in waits:
        thread.start()
    asked.set()
    for thread in waits:
        thread.join()
    assert ended == [Interrupted] * 3
    with pytest.raises(Interrupted):
        _begin(Pace(18))
