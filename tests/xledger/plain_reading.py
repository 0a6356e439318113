"""A second, slow road from a response row to a raw row: Python's JSON reader and Decimal, a cell at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.xledger.landing import Split
from pipelines.xledger.tables import SHARED_OWNER, Column, Kind

_NATIONAL_ID_COLUMNS = ("company_number", "tax_number", "tax_no")
_OSLO = ZoneInfo("Europe/Oslo")


def at(tree: Any, path: tuple[str, ...]) -> Any:
    """What stands at a path; None below a null."""
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


def expected_row(split: Split, tree: Mapping[str, Any], salt: str = "salt") -> dict[str, Any]:
    """The raw row that one response row carries for one table."""
    return {column.name: _expected_cell(column, split, tree, salt) for column in split.table.columns}


def _expected_cell(column: Column, split: Split, tree: Mapping[str, Any], salt: str) -> Any:
    match split.table.name, column.name:
        case "owner", "owner_db_id":
            return _expected(at(tree, ("owner", "dbId")), Kind.ID)
        case "gl_dimension", "db_id":
            return _dimension_id(tree)
        case "supplier", "bank_account_hash":
            return _bank_account_hash(tree["bankAccount"], salt)
        case "recent_transaction", "feed":
            return "transaction_deltas" if "mutationType" in tree else "recentTransactions"
        case "recent_transaction", "mutation_type":
            return tree.get("mutationType", "RECENT")
    value = _expected(at(tree, (*split.prefix, *column.path)), column.kind) if column.path else None
    if column.name in _NATIONAL_ID_COLUMNS and value is not None and _is_national_id(value):
        return None
    return SHARED_OWNER if column.name == "owner_db_id" and value is None else value


def _dimension_id(tree: Mapping[str, Any]) -> int | None:
    ids = [tree[f"glObject{number}DbId"] for number in range(1, 6)]
    if not any(ids):
        return None
    digest = hashlib.md5("/".join(str(db_id or 0) for db_id in ids).encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest, "little") % 2**62


def _bank_account_hash(account: str | None, salt: str) -> str | None:
    bare = "".join(sign for sign in account or "" if sign.isascii() and sign.isalnum()).upper()
    return hashlib.sha256((salt + bare).encode()).hexdigest() if bare else None


def _is_national_id(number: str) -> bool:
    bare = "".join(sign for sign in number if sign.isascii() and sign.isalnum()).upper()
    digits = bare[2:-2] if len(bare) == 14 and bare.startswith("SE") and bare.endswith("01") else bare
    if not digits.isdigit() or (digits != bare and len(digits) != 10):
        return False
    if len(digits) == 12 and digits[:2] in ("19", "20"):
        digits = digits[2:]
    return len(digits) == 11 or (len(digits) == 10 and digits[2] in "01")
