"""Cursors: opaque text that says where a row stands. In most cases the dbId, but not in all."""

from __future__ import annotations

from pipelines.sandbox.errors import ApiError

_SEPARATOR = "~"
# Items of the customer ledger were seen with a cursor some 600,000 below their dbId, contacts with three ids and dots.
_OFFSETS = {"APTransaction": 600_869, "ARTransaction": 600_869}
_DOTTED = ("Contact",)


def cursor_sql(type_name: str, key: str, order_column: str | None) -> str:
    """The expression that writes a row's cursor; under another order the value ordered by stands first."""
    if type_name in _DOTTED:
        base = f'concat("ownerDbId", \'.\', coalesce("companyDbId", 0), \'.\', "{key}")'
    else:
        base = f'("{key}" - {_OFFSETS.get(type_name, 0)})::varchar'
    return base if order_column is None else f"concat(\"{order_column}\", '{_SEPARATOR}', {base})"


def read_cursor(type_name: str, cursor: str) -> tuple[str, int]:
    """The value ordered by ("" in the usual order) and the key of the row that a cursor stands for.

    Raises:
        ApiError: the text is no cursor of this root.
    """
    value, _, base = cursor.rpartition(_SEPARATOR)
    number = base.rpartition(".")[2] if type_name in _DOTTED else base
    try:
        return value, int(number) + _OFFSETS.get(type_name, 0)
    except ValueError:
        raise ApiError(f"Invalid cursor '{cursor}'.") from None
