"""A second, slow road from a response row to a raw row: Python's JSON reader and Decimal, a cell at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.xledger.landing import Split
from pipelines.xledger.tables import SHARED_OWNER, Column, Kind

_OSLO = ZoneInfo("Europe/Oslo")


def _at(tree: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        tree = tree.get(step) if tree is not None else None
    return tree


def _expected(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    match kind:
        case Kind.ID | Kind.INTEGER:
            return int(value)
        case Kind.MONEY:
            return Decimal(value).quantize(Decimal("0.0001"))
        case Kind.RATE:
            return float(value)
        case Kind.DATE:
            return date.fromisoformat(value)
        case Kind.TIME:
            return _in_utc(datetime.fromisoformat(value))
        case _:
            return value


def _in_utc(local: datetime) -> datetime:
    """The hour that comes twice is taken as the second, the one that never comes as an hour later."""
    first, second = (local.replace(tzinfo=_OSLO, fold=fold) for fold in (0, 1))
    comes_twice = (first.utcoffset() or timedelta()) > (second.utcoffset() or timedelta())
    return (second if comes_twice else first).astimezone(UTC).replace(tzinfo=None)


def expected_row(split: Split, tree: Mapping[str, Any]) -> dict[str, Any]:
    """The raw row that one response row carries for one table."""
    return {column.name: _expected_cell(column, split, tree) for column in split.table.columns}


def _expected_cell(column: Column, split: Split, tree: Mapping[str, Any]) -> Any:
    if split.table.name == "owner" and column.name == "owner_db_id":
        return _expected(_at(tree, ("owner", "dbId")), Kind.ID)
    value = _expected(_at(tree, (*split.prefix, *column.path)), column.kind) if column.path else None
    return SHARED_OWNER if column.name == "owner_db_id" and value is None else value
