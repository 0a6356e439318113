"""How a whole sync grows with the ledger: `python -m bench.growth LINES...` measures, and draws docs/growth.svg.

Each size is measured by itself and kept in bench/results/growth.json, so a long one can be run alone; the picture shows all.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from bench.ledger import served
from bench.machine import machine
from bench.processes import ROOT
from bench.whole_sync import whole_sync

_RESULTS = ROOT / "bench" / "results" / "growth.json"
_PICTURE = ROOT / "docs" / "growth.svg"
_WIDTH, _HEIGHT, _LEFT, _TOP = 330, 230, 70, 40
_COLOURS = ("#1f5f8b", "#c8553d", "#5b8c5a", "#8a6d9e", "#b8860b", "#555555")

Series = tuple[str, list[tuple[float, float]]]


def main() -> None:
    """Measure the sizes asked for, then draw all that were ever measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description="Measure how a sync grows.")
    parser.add_argument("lines", type=int, nargs="*", help="sizes to measure; without one, the picture is drawn anew")
    parser.add_argument("--results", type=Path, default=_RESULTS, help="where the measurements are kept")
    parser.add_argument("--picture", type=Path, default=_PICTURE, help="the SVG to write")
    arguments = parser.parse_args()
    measured = _kept(arguments.results)
    for lines in arguments.lines:
        print(f"A whole sync of {lines:,} lines", file=sys.stderr, flush=True)
        measured[str(lines)] = _measure(lines)
        arguments.results.parent.mkdir(parents=True, exist_ok=True)
        arguments.results.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
        print(_sentence(lines, measured[str(lines)]), flush=True)
    arguments.picture.write_text(picture(measured), encoding="utf-8")


def _kept(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _measure(lines: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name, served(Path(name), lines) as sandbox:
        return {"machine": machine(), "sync": asdict(whole_sync(sandbox, Path(name) / "data"))}


def _sentence(lines: int, measured: dict[str, Any]) -> str:
    sync = measured["sync"]
    peaks = ", ".join(f"{name} {peak:,.0f} MiB" for name, peak in sorted(sync["peak_mib"].items()))
    steps = ", ".join(f"{step} {seconds:,.1f} s" for step, seconds in sync["steps"].items())
    return f"{lines:,} lines: {sync['seconds']:,.0f} s ({steps}); {sync['requests']:,} requests; {peaks}"


def picture(measured: Mapping[str, Any]) -> str:
    """Two panels, both axes in powers of ten: seconds by step, and peak memory by process, against lines in the ledger."""
    points = [(int(lines), measured[lines]["sync"]) for lines in sorted(measured, key=int)]
    seconds = _series(points, lambda sync: {"whole sync": sync["seconds"]} | sync["steps"])
    memory = _series(points, lambda sync: sync["peak_mib"])
    panels = _panel("Seconds", seconds, _LEFT) + _panel("Peak memory, MiB", memory, 2 * _LEFT + _WIDTH)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * (_LEFT + _WIDTH) + 30} {_TOP + _HEIGHT + 190}" '
        'font-family="sans-serif" font-size="12"><title>Seconds and memory of a sync against lines in the ledger</title>'
        f'<rect width="100%" height="100%" fill="white"/>{panels}</svg>\n'
    )


def _series(points: Sequence[tuple[int, Any]], values: Callable[[Any], Mapping[str, float]]) -> list[Series]:
    """By name, what is largest at the end first."""
    found: dict[str, list[tuple[float, float]]] = {}
    for lines, sync in points:
        for name, value in values(sync).items():
            found.setdefault(name, []).append((lines, max(value, 0.1)))
    return sorted(found.items(), key=lambda series: -series[1][-1][1])


def _panel(title: str, series: Sequence[Series], left: int) -> str:
    across = _Axis([lines for _, points in series for lines, _ in points], left, left + _WIDTH)
    up = _Axis([value for _, points in series for _, value in points], _TOP + _HEIGHT, _TOP)
    bottom = _TOP + _HEIGHT
    drawn = [f'<text x="{left}" y="{_TOP - 16}" font-weight="bold">{title}</text>']
    for tick in across.ticks:
        drawn.append(f'<text x="{across.at(tick):.0f}" y="{bottom + 18}" text-anchor="middle">{tick:,.0f}</text>')
    for tick in up.ticks:
        y = up.at(tick)
        drawn.append(f'<line x1="{left}" x2="{left + _WIDTH}" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>')
        drawn.append(f'<text x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{tick:,g}</text>')
    drawn.append(f'<text x="{left + _WIDTH / 2}" y="{bottom + 36}" text-anchor="middle">lines in the ledger</text>')
    for number, (name, points) in enumerate(series):
        colour = _COLOURS[number % len(_COLOURS)]
        places = [(across.at(lines), up.at(value)) for lines, value in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        y = bottom + 62 + 17 * number
        drawn.append(f'<rect x="{left}" y="{y - 9}" width="10" height="10" fill="{colour}"/>')
        drawn.append(f'<text x="{left + 16}" y="{y}">{escape(name)}: {points[-1][1]:,.0f} at the end</text>')
    return "".join(drawn)


class _Axis:
    """A range in powers of ten, between two places of the picture."""

    def __init__(self, values: Sequence[float], begin: float, end: float) -> None:
        self._lowest = math.floor(math.log10(min(values)))
        self._highest = max(math.ceil(math.log10(max(values))), self._lowest + 1)
        self._begin, self._end = begin, end

    @property
    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self._lowest, self._highest + 1)]

    def at(self, value: float) -> float:
        share = (math.log10(value) - self._lowest) / (self._highest - self._lowest)
        return self._begin + share * (self._end - self._begin)


if __name__ == "__main__":
    main()
