"""One page of a connection as one SQL statement that writes the response text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
from graphql import FieldNode

from pipelines.sandbox.cursors import cursor_sql, read_cursor
from pipelines.sandbox.errors import ApiError
from pipelines.sandbox.filters import Conditions
from pipelines.sandbox.json_text import json_bytes, object_pieces
from pipelines.sandbox.options import SandboxOptions
from pipelines.sandbox.owners import OwnerTree
from pipelines.sandbox.selection import Selection, object_sql
from pipelines.sandbox.tables import DELTA_TABLES, columns

_DEFAULT_PAGE = 100
_DELTA_RETENTION_DAYS = 3
_OVERLAP_ROWS = 3
_ORDER_COLUMNS = {
    "CREATED_AT": "createdAt",
    "MODIFIED_AT": "modifiedAt",
    "HEADER_CREATED_AT": "headerCreatedAt",
    "CODE": "code",
}
_STORED_IN = {"Supplier": "Subledger", "RecentTransaction": "Transaction"}
# The generator writes these by id and new rows get higher ids: the first so many rows found are the first by id.
_STORED_IN_ID_ORDER = ("Transaction", "TransactionHeader", "APTransaction")
# Where a change's own columns come from; null once the row is gone.
_CHANGED_ROWS = {"TransactionDelta": "Transaction", "APTransactionDelta": "APTransaction", "SupplierDelta": "Supplier"}


@dataclass(frozen=True)
class Page:
    """Which rows are asked for: ``size`` from one end, between two cursors."""

    size: int
    backwards: bool
    after: str | None
    before: str | None

    @classmethod
    def of(cls, arguments: Mapping[str, Any], options: SandboxOptions) -> Page:
        """Read first, last, after and before.

        Raises:
            ApiError: the page is larger than the API allows, or makes no sense.
        """
        first, last = arguments.get("first"), arguments.get("last")
        if first is not None and last is not None:
            raise ApiError("Specify either 'first' or 'last', not both.")
        size: int = next((given for given in (first, last) if given is not None), _DEFAULT_PAGE)
        if not 1 <= size <= options.max_page:
            raise ApiError(f"'first' and 'last' must be between 1 and {options.max_page}.")
        if options.timeout_above and size > options.timeout_above:
            raise ApiError("Your query timed out.")
        return cls(size, last is not None, arguments.get("after"), arguments.get("before"))


@dataclass(frozen=True)
class Order:
    """Rows stand by key, or by a column and then by key."""

    key: str
    column: str | None = None
    descending: bool = False

    @property
    def columns(self) -> list[str]:
        return [self.key] if self.column is None else [self.column, self.key]

    @property
    def is_plain(self) -> bool:
        return self.column is None and not self.descending

    def sql(self, *, backwards: bool = False) -> str:
        """The order-by list."""
        direction = "desc" if self.descending != backwards else "asc"
        return ", ".join(f'"{column}" {direction}' for column in self.columns)


@dataclass(frozen=True)
class Connection:
    """A root field that gives pages of one type's rows to a token of one owner. ``fault``: see faults.py."""

    node_type: str
    options: SandboxOptions
    owners: OwnerTree
    owner: int
    fault: str | None = None

    def read(
        self, database: duckdb.DuckDBPyConnection, node: FieldNode, arguments: Mapping[str, Any], selection: Selection
    ) -> list[bytes]:
        """The JSON text of the connection object, in UTF-8 and in pieces: it can be large.

        Raises:
            ApiError: arguments that the API refuses.
        """
        page, order = Page.of(arguments, self.options), self._order(arguments)
        conditions = Conditions(self._columns, self.options.longest_list)
        where = [*self._visible(arguments), conditions.of(arguments.get("filter") or {})]
        if page.after is not None:
            where.append(self._beyond(page.after, order, conditions, after=True))
        if page.before is not None:
            where.append(self._beyond(page.before, order, conditions, after=False))

        selected = selection.fields(f"{self.node_type}Connection", [node])
        edges = {
            key: self._edge(field, order, selection, page) for key, field in selected.items() if _is(field, "edges")
        }
        for column in (*order.columns, "ownerDbId", "companyDbId"):
            if column in self._columns:
                selection.column("page", column)
        joins = "".join(dict.fromkeys(join for _, join in edges.values()))
        cursor = self._cursor(order, page)
        pages = f"""
            with ids as materialized (
                select {", ".join(f'"{column}"' for column in order.columns)} from {self._rows} as found
                where {" and ".join(where)}{self._sorting(order, page, conditions)} limit {page.size + 1}
            ),
            kept as (select "{order.key}" as key from ids order by {order.sql(backwards=page.backwards)} limit {page.size}),
            page as materialized (
                select {selection.columns("page")} from {self._rows} as found where "{order.key}" in (select key from kept)
            ){"".join(f", {name} as ({sql})" for name, sql in selection.tables)}
        """

        def written(ordered: str) -> tuple[Any, ...]:
            texts = "".join(f", encode(string_agg({edge}, ','{ordered}))" for edge, _ in edges.values())
            keys = f'list("{order.key}")'
            statement = f"""
                {pages} select {keys} is not distinct from list_sort({keys}), (select count(*) from ids) > {page.size},
                    first({cursor}{ordered}), last({cursor}{ordered}){texts}
                from page{joins}
            """
            row: tuple[Any, ...] | None = database.execute(statement, conditions.values).fetchone()
            assert row is not None  # noqa: S101
            return row

        # Sorting the texts costs a third of the time, and rows mostly stand in the order of their keys already.
        row = written("") if order.is_plain and not page.backwards else (False,)
        if not row[0]:
            row = written(f" order by {order.sql()}")
        _, more, first_cursor, last_cursor, *texts = row
        lists = dict(zip(edges, texts, strict=True))
        if self.fault == "empty_page":
            more, lists = True, dict.fromkeys(edges)
        page_info = {
            "hasNextPage": (more and self.fault != "short_page") if not page.backwards else page.before is not None,
            "hasPreviousPage": more if page.backwards else page.after is not None,
            "startCursor": first_cursor,
            "endCursor": last_cursor,
        }
        members: dict[str, list[bytes]] = {}
        for key, field in selected.items():
            if key in lists:
                members[key] = [b"null"] if lists[key] is None else [b"[", lists[key], b"]"]
            elif _is(field, "pageInfo"):
                names = selection.fields("PageInfo", [field])
                told = {name: page_info.get(inner.name.value, "PageInfo") for name, inner in names.items()}
                members[key] = [json_bytes(told)]
            else:
                members[key] = [json_bytes(f"{self.node_type}Connection")]
        return object_pieces(members)

    def _sorting(self, order: Order, page: Page, conditions: Conditions) -> str:
        stands_in_order = self.node_type in _STORED_IN_ID_ORDER and order.is_plain and not page.backwards
        # A list is joined, and a join gives its rows in any order: the lowest ids have to be picked.
        comes_in_order = stands_in_order and not conditions.has_list
        return "" if comes_in_order else f" order by {order.sql(backwards=page.backwards)}"

    def _edge(self, field: FieldNode, order: Order, selection: Selection, page: Page) -> tuple[str, str]:
        members, joins = {}, ""
        for key, inner in selection.fields(f"{self.node_type}Edge", [field]).items():
            if _is(inner, "cursor"):
                members[key] = f"to_json({self._cursor(order, page)})::varchar"
            elif _is(inner, "node"):
                members[key], joins = selection.json_of(self.node_type, inner, "page")
            else:
                members[key] = f"""'"{self.node_type}Edge"'"""
        return object_sql(members), joins

    def _cursor(self, order: Order, page: Page) -> str:
        cursor = cursor_sql(self.node_type, order.key, order.column)
        if self.fault == "repeated_cursor" and page.after is not None:
            repeated = "'" + page.after.replace("'", "''") + "'"
            return f'case when "{order.key}" = (select max(key) from kept) then {repeated} else {cursor} end'
        return cursor

    def _beyond(self, cursor: str, order: Order, conditions: Conditions, *, after: bool) -> str:
        value, key = read_cursor(self.node_type, cursor)
        operator = ">" if after != order.descending else "<"
        if order.column is None:
            beyond = conditions.compare(order.key, operator, key)
            if self.fault == "overlap" and after:
                seen = conditions.compare(order.key, "<=", key)
                rows = f'select "{order.key}" as seen from {self._rows} as found where {seen}'
                return f'({beyond} or "{order.key}" in ({rows} order by 1 desc limit {_OVERLAP_ROWS}))'
            return beyond
        further = conditions.compare(order.column, operator, value)
        same = conditions.compare(order.column, "=", value)
        return f"({further} or ({same} and {conditions.compare(order.key, operator, key)}))"

    def _visible(self, arguments: Mapping[str, Any]) -> list[str]:
        visible = []
        if "ownerDbId" in self._columns:
            owner_set = arguments.get("ownerSet") or self.options.default_owner_set
            reached = self.owners.reached(self.owner, owner_set, self.node_type)
            visible.append(f'"ownerDbId" in ({", ".join(map(str, sorted(reached)))})')
        status = arguments.get("objectStatus") or self.options.default_object_status
        if "isOpen" in self._columns and status != "ALL":
            visible.append(f'"isOpen" = {status == "OPEN"}')
        return visible

    def _order(self, arguments: Mapping[str, Any]) -> Order:
        key = "position" if self.node_type in DELTA_TABLES else "dbId"
        orders = arguments.get("orderBy") or []
        if not orders:
            return Order(key)
        if len(orders) > 1:
            raise ApiError("Ordering by more than one field is not supported.")
        descending = orders[0].get("direction") == "DESC"
        return Order(key, _ORDER_COLUMNS.get(orders[0]["field"]), descending)

    @property
    def _columns(self) -> dict[str, str]:
        return columns(_STORED_IN.get(self.node_type, self.node_type))

    @property
    def _rows(self) -> str:
        if self.node_type not in DELTA_TABLES:
            return f'"{self.node_type}"'
        return f"""(
            select change.*, record.* exclude ("dbId", "ownerDbId") from "{self.node_type}" as change
            left join "{_CHANGED_ROWS[self.node_type]}" as record on record."dbId" = change."dbId"
            where change."mutatedAt" > (select "now" - interval {_DELTA_RETENTION_DAYS} days from "Clock")
        )"""


def _is(field: FieldNode, name: str) -> bool:
    return field.name.value == name
