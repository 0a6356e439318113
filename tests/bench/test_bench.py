from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench.bounds import at_least, at_most, most_requests
from bench.growth import picture
from bench.landing import LandingBench
from bench.ledger import served


@pytest.mark.parametrize(
    ("lines", "requests"),
    [(1, 62), (10_000, 62), (10_001, 64), (1_000_000, 280)],
    ids=["one line", "one page", "one line more than a page", "a hundred pages"],
)
def test_requests_are_counted_by_started_pages(lines: int, requests: int) -> None:
    assert most_requests(lines) == requests


def test_a_bound_itself_holds() -> None:
    assert at_least("rate", 0.5, 0.5, "times").holds
    assert not at_least("rate", 0.49, 0.5, "times").holds
    assert at_most("memory", 1024, 1024, "MiB").holds
    assert not at_most("memory", 1025, 1024, "MiB").holds


def test_all_ways_of_landing_take_the_same_recorded_rows(tmp_path: Path) -> None:
    """Each way counts its rows itself, and fails where one is missing."""
    with served(tmp_path, 1000) as sandbox:
        bench = LandingBench(sandbox, tmp_path)
    # The sandbox is gone for the ways that need the recording only.
    assert 0 < bench.rows < 1000
    assert bench.json_reader().by_clock > 0
    assert bench.json_readers().by_clock > 0
    assert bench.json_files().of_processor > 0


def test_the_picture_has_a_line_for_each_step_and_process_in_ledger_order() -> None:
    def sync(seconds: float) -> dict[str, Any]:
        return {"sync": {"seconds": seconds, "steps": {"dbt": seconds / 2}, "peak_mib": {"pipelines.sync": 300.0}}}

    drawn = ElementTree.fromstring(picture({"100000": sync(30), "10000": sync(3), "1000000": sync(300)}))  # noqa: S314
    lines = [line.get("points", "").split() for line in drawn.iter("{http://www.w3.org/2000/svg}polyline")]
    assert [len(points) for points in lines] == [3, 3, 3]
    places = [tuple(map(float, point.split(","))) for point in lines[0]]
    # Ten times the lines, ten times the seconds: a straight line up.
    assert places[1] == pytest.approx(((places[0][0] + places[2][0]) / 2, (places[0][1] + places[2][1]) / 2), abs=0.2)
    assert places[0][0] < places[2][0]
    assert places[0][1] > places[2][1]
