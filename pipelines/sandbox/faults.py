"""Which request goes wrong, and how: by schedule (`7:reset`, `transactions@2:500`) or by seed and rate.

Kinds, by what the client sees:
  500, 502 (HTML), 503            no GraphQL at all
  reset, reset_body               the connection breaks before, or in the middle of, the body
  truncated                       a complete response whose JSON stops half-way
  stall                           half a body, then nothing for stall_seconds, then a reset
  null_data                       {"data": null}
  partial                         data beside errors
  timeout                         Your query timed out.
  burst, concurrency, credits     the limit's error, whatever was sent before
  repeated_cursor                 the last edge carries the cursor that was asked for
  empty_page                      edges: null, and yet hasNextPage
  short_page                      the page as it should be, but hasNextPage says that it was the last
  overlap                         the page begins with rows of the page before
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from pipelines.sandbox.options import SandboxOptions

KINDS = (
    "500", "502", "503", "reset", "reset_body", "truncated", "stall", "null_data", "partial", "timeout",
    "burst", "concurrency", "credits", "repeated_cursor", "empty_page", "short_page", "overlap",
)  # fmt: skip


@dataclass
class Faults:
    """The plan of faults. ``next`` is asked once for each request, in order."""

    options: SandboxOptions
    _by_number: dict[int, str] = field(default_factory=dict)
    _by_operation: dict[tuple[str, int], str] = field(default_factory=dict)
    _seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Read the schedule.

        Raises:
            ValueError: a fault or a kind that does not exist.
        """
        self._random = random.Random(self.options.fault_seed)  # noqa: S311
        for planned in self.options.faults:
            place, _, kind = planned.rpartition(":")
            operation, at, number = place.rpartition("@")
            _known(kind)
            if not number.isdigit():
                raise ValueError(f"fault '{planned}' is not of the form 7:reset or transactions@2:reset")
            if at:
                self._by_operation[operation, int(number)] = kind
            else:
                self._by_number[int(number)] = kind
        for kind in self.options.fault_kinds:
            _known(kind)

    def next(self, number: int, operation: str) -> str | None:
        """The fault of the request with this number (from 1), or None."""
        self._seen[operation] += 1
        planned = self._by_number.get(number) or self._by_operation.get((operation, self._seen[operation]))
        if planned:
            return planned
        if self.options.fault_rate and self._random.random() < self.options.fault_rate:
            return self._random.choice(self.options.fault_kinds or ("500", "503", "reset", "reset_body", "truncated"))
        return None


def _known(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"no fault is called '{kind}'; there are {', '.join(KINDS)}")
