"""The templates of app and report, and how they write a value. Every value is escaped by the template."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines.explore import design
from pipelines.explore.numbers import exact, money, whole
from pipelines.explore.tables import Link


def templates() -> Environment:
    found = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True, undefined=StrictUndefined
    )
    found.globals.update(
        design=design,
        money=money,
        whole=whole,
        shown=shown,
        is_number=is_number,
        is_moment=is_moment,
        is_link=lambda value: isinstance(value, Link),
    )
    return found


def is_number(value: object) -> bool:
    return isinstance(value, Decimal | int | float) and not isinstance(value, bool)


def is_moment(value: object) -> bool:
    return isinstance(value, date)


def shown(value: object, column: str) -> str:
    """Ids and numbers of things as they are, counts and sums with thousands apart, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return exact(value)
    if isinstance(value, int) and not column.endswith(("_id", "number")):
        return whole(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
