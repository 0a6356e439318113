"""CSV as RFC 4180 has it: comma, CRLF, quotes where needed, one header line, UTF-8."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

# A spreadsheet takes a text for a formula by its first character; tab and line ends come before some of these in attacks.
# The apostrophe is among them so that taking one away always gives back the text.
_GUARDED = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")


def without_formula(text: str) -> str:
    """The text with an apostrophe in front where a spreadsheet could run it; removing that apostrophe gives it back."""
    return f"'{text}" if text.startswith(_GUARDED) else text


def write_csv(path: Path, names: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a table and return its number of rows. Null is an empty field, a number has a decimal point."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for row in rows:
            writer.writerow([_as_text(value) for value in row])
            count += 1
    return count


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return without_formula(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
