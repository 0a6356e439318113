"""The wire log: every request and its full response, one JSON object a line, for tests that search what was sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class WireLog:
    """Appends to a file; without a path it writes nothing."""

    def __init__(self, path: Path | None) -> None:
        self._file = path.open("a", encoding="utf-8") if path else None

    def write(self, number: int, request: Mapping[str, Any], status: int, response: bytes) -> None:
        """Add one exchange."""
        if self._file is None:
            return
        entry = {
            "n": number,
            "operation": request.get("operationName"),
            "query": request.get("query"),
            "variables": request.get("variables"),
            "status": status,
            "response": response.decode(),
        }
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._file.flush()
