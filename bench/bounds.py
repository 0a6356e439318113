"""The bounds that the program promises, and whether a measurement keeps them."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One line of the table: what was measured, the bound, and whether it holds; None where nothing was measured."""

    what: str
    measured: str
    bound: str
    holds: bool | None = None


def most_requests(lines: int) -> int:
    """Requests that a full read of so many lines may take."""
    return math.floor(2.2 * math.ceil(lines / 10_000)) + 60


def at_least(what: str, value: float, bound: float, unit: str, note: str = "") -> Line:
    return Line(what, f"{value:,.2f} {unit}{note}", f"at least {bound:g}", value >= bound)


def at_most(what: str, value: float, bound: float, unit: str, note: str = "") -> Line:
    return Line(what, f"{value:,.2f} {unit}{note}", f"at most {bound:,.4g}", value <= bound)
