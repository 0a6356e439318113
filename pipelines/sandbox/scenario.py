"""A scenario: mutations, each to be played right before a certain request.

The file holds a JSON list of {"before": 7, "do": [mutations]} or {"before": "transactions@2", "do": [mutations]}: before
the seventh request, before the second request of the operation `transactions`.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

Mutation = dict[str, Any]


class Scenario:
    """What is left to play. ``due`` is asked once for each request, in order."""

    def __init__(self, path: Path | None) -> None:
        """Read the file.

        Raises:
            ValueError: it is no such list.
        """
        self._steps: dict[str, list[Mutation]] = {}
        self._seen: Counter[str] = Counter()
        for step in json.loads(path.read_text(encoding="utf-8")) if path else ():
            if not isinstance(step, dict) or set(step) != {"before", "do"}:
                raise ValueError(f"{path}: every step of a scenario has 'before' and 'do'")
            self._steps.setdefault(str(step["before"]), []).extend(step["do"])

    def due(self, number: int, operation: str) -> list[Mutation]:
        """Mutations to play before the request with this number (from 1) and operation."""
        self._seen[operation] += 1
        places = (str(number), f"{operation}@{self._seen[operation]}")
        return [mutation for place in places for mutation in self._steps.pop(place, ())]
