"""Small values as JSON text; large ones are written by DuckDB."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any


def json_bytes(value: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def object_pieces(members: Mapping[str, Iterable[bytes]]) -> list[bytes]:
    """An object as pieces of text, from the pieces of its members: joined once, at the very end."""
    pieces = [b"{"]
    for key, value in members.items():
        pieces += [b"" if len(pieces) == 1 else b",", json_bytes(key), b":", *value]
    return [*pieces, b"}"]
