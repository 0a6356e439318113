"""Response bytes to a typed table inside DuckDB, without a Python object per cell.

The table has a column a leaf, named by its path (``"header.dbId"``). What is no whole answer, and a value that its type cannot
hold exactly, are refused here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.xledger.capabilities import Operation
from pipelines.xledger.errors import NO_DATA, MalformedResponse, UntrustedValue
from pipelines.xledger.tables import Kind

Path = tuple[str, ...]

PAGE = "page"
CONNECTION: Path = ("edges", "node")

# What DECIMAL(19,4) holds without losing a digit: fifteen digits, then four decimals and any zeros.
_EXACT_MONEY = r"-?([0-9]{1,15}(\.[0-9]{0,4}0*)?|\.[0-9]{1,4}0*)"

# DuckDB's JSON reader makes a double of a bare number: exact to fifteen digits, and these with their point are so long.
_LONGEST_EXACT_NUMBER = 16

_SCALAR = re.compile(rb'\s*:\s*("(?:[^"\\]|\\.)*"|[\w.+-]+)')


@dataclass(frozen=True)
class PageInfo:
    """Where a read goes on."""

    end_cursor: str | None
    has_next_page: bool


class Parser:
    """A connection of its own with the table `PAGE`, which holds the response parsed last."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def parse(
        self, body: bytes, operation: Operation, node_path: Path, declared: Mapping[Path, Kind], id_leaf: Path
    ) -> tuple[PageInfo, int]:
        """Fill `PAGE` with a column for each declared or asked leaf; gives where to go on, and the number of rows.

        Raises:
            MalformedResponse: the body is cut or not of the asked form.
            UntrustedValue: a value that its type cannot hold exactly; the message has the row's id.
        """
        try:
            response = pa.table({"body": pa.array([body], pa.large_binary()).cast(pa.large_string())})
        except pa.ArrowInvalid:
            raise MalformedResponse("the body is no UTF-8") from None
        depth = len(node_path)
        leaves = frozenset(leaf[depth:] for leaf in operation.leaves if leaf[:depth] == node_path)
        kinds = {leaf: declared.get(leaf, Kind.TEXT) for leaf in leaves}
        lacking = {leaf: kind for leaf, kind in declared.items() if leaf not in leaves}
        key = operation.answered_as
        nodes = f"select unnest(json_extract(body, '{_nodes_path(key, node_path)}')) as node from response"
        self.connection.register("response", response)
        try:
            if node_path != CONNECTION:
                info = self._no_pages(key, node_path)
            else:
                info = page_info(body) if operation.key is None else self._page_info_of(key)
            if not self._fill(_whole(key, node_path, kinds), kinds, lacking):
                texts = dict.fromkeys(kinds, Kind.TEXT)
                if self._fill(f"select from_json(node, '{_structure(texts)}') as n from ({nodes})", texts, lacking):
                    self._refuse_untrusted(kinds, operation, id_leaf)
                raise MalformedResponse("the body is no whole JSON of the asked form")
            rows = self._check(operation, node_path, kinds, nodes, id_leaf)
        finally:
            self.connection.unregister("response")
        return info, rows

    def _page_info_of(self, key: str) -> PageInfo:
        """Where the read goes on whose answer is one of several in the response."""
        has_next_page = self._read(f"body->>'$.data.{key}.pageInfo.hasNextPage'")
        if has_next_page not in ("true", "false"):
            raise MalformedResponse(NO_DATA)
        return PageInfo(self._read(f"body->>'$.data.{key}.edges[#-1].cursor'"), has_next_page == "true")

    def _no_pages(self, key: str, node_path: Path) -> PageInfo:
        holder = ".".join(("$.data", key, *node_path[:-1]))
        if self._read(f"json_type(body, '{holder}')") != "OBJECT":
            raise MalformedResponse(NO_DATA)
        return PageInfo(None, False)

    # DuckDB's errors quote the response. In the next two methods they end, so that no other error has them as its context.

    def _read(self, expression: str) -> Any:
        """The value of an expression over the response; None where the response is no JSON."""
        try:
            return self._row(f"select {expression} from response")[0]
        except duckdb.InvalidInputException:
            return None

    def _fill(self, nodes: str, kinds: Mapping[Path, Kind], lacking: Mapping[Path, Kind]) -> bool:
        """Put the nodes ``n`` into the page, with nulls for what was not asked for; False where they are not of these kinds."""
        flat = ["n." + ".".join(f'"{step}"' for step in leaf) + f" as {reference(leaf)}" for leaf in sorted(kinds)]
        flat += [f"null::{_parsed_as(lacking[leaf])} as {reference(leaf)}" for leaf in sorted(lacking)]
        try:
            self.connection.execute(f"create or replace temp table {PAGE} as select {', '.join(flat)} from ({nodes})")
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            return False
        return True

    def _check(
        self, operation: Operation, node_path: Path, kinds: Mapping[Path, Kind], nodes: str, id_leaf: Path
    ) -> int:
        """One look at the whole page, and a second one only at what is wrong; gives the number of rows."""
        money = {leaf: kind for leaf, kind in kinds.items() if kind is Kind.MONEY}
        untrusted = " or ".join(_untrusted(reference(leaf), kind) for leaf, kind in money.items()) or "false"
        row_id = ("dbId",) if node_path == CONNECTION else id_leaf
        looked_at = ["count(*)", f"count({reference(row_id)})", f"bool_or({untrusted})"]
        looked_at += [f"max(length({reference(leaf)}))" for leaf in money]
        rows, ids, is_untrusted, *longest = self._row(f"select {', '.join(looked_at)} from {PAGE}")
        if node_path == CONNECTION:
            self._refuse_missing_rows(operation.answered_as, rows, ids)
        if is_untrusted:
            self._refuse_untrusted(money, operation, id_leaf)
        long = [leaf for leaf, length in zip(money, longest, strict=True) if (length or 0) > _LONGEST_EXACT_NUMBER]
        self._refuse_rounded(long, nodes, operation)
        return int(rows)

    def _refuse_missing_rows(self, key: str, rows: int, ids: int) -> None:
        """Every row has its id, and no rows come as an empty or a null list: a short answer is never taken for the end."""
        if ids < rows:
            raise MalformedResponse("the answer holds a row without its id")
        if not rows and self._read(f"json_type(body, '$.data.{key}.edges')") not in ("ARRAY", "NULL"):
            raise MalformedResponse("the answer holds no list of rows")

    def _refuse_untrusted(self, kinds: Mapping[Path, Kind], operation: Operation, id_leaf: Path) -> None:
        """Stop at the first value that its declared type cannot hold exactly."""
        bad = {leaf: _untrusted(reference(leaf), kind) for leaf, kind in kinds.items() if kind is not Kind.TEXT}
        if not bad:
            return
        which = " ".join(f"when {condition} then '{'.'.join(leaf)}'" for leaf, condition in bad.items())
        found = self.connection.execute(
            f"select case {which} end, {reference(id_leaf)}::varchar from {PAGE} where {' or '.join(bad.values())} limit 1"
        ).fetchone()
        if found:
            raise _untrusted_value(operation, *found)

    def _refuse_rounded(self, money: Collection[Path], nodes: str, operation: Operation) -> None:
        """Stop at the first of these amounts that came as a number, with more digits than the JSON reader keeps."""
        for leaf in money:
            amount = f"'$.{'.'.join(leaf)}'"
            found = self.connection.execute(
                f"select node->>'$.dbId' from ({nodes}) where json_type(node, {amount}) = 'DOUBLE' "
                f"and length(ltrim(node->>{amount}, '-')) > {_LONGEST_EXACT_NUMBER} limit 1"
            ).fetchone()
            if found:
                raise _untrusted_value(operation, ".".join(leaf), found[0])

    def _row(self, sql: str) -> tuple[Any, ...]:
        row = self.connection.execute(sql).fetchone()
        assert row is not None  # noqa: S101
        return row


def page_info(body: bytes) -> PageInfo:
    """Where a read goes on, without parsing the rows: between bare quotes, only a key can stand before a colon.

    Raises:
        MalformedResponse: the answer does not say whether there is more.
    """
    has_next_page = _last_value(body, b"hasNextPage")
    if not isinstance(has_next_page, bool):
        raise MalformedResponse(NO_DATA)
    cursor = _last_value(body, b"cursor")
    return PageInfo(None if cursor is None else str(cursor), has_next_page)


def _last_value(body: bytes, key: bytes) -> Any:
    """The value of the last such key; None without one, and for a value that is no scalar."""
    end = len(body)
    while (at := body.rfind(b'"' + key + b'"', 0, end)) >= 0:
        if found := _SCALAR.match(body, at + len(key) + 2):
            try:
                return json.loads(found[1])
            except ValueError:
                return None
        end = at
    return None


def _nodes_path(key: str, node_path: Path) -> str:
    if node_path == CONNECTION:
        return f"$.data.{key}.edges[*].node"
    return ".".join(("$.data", key, *node_path)) + "[*]"


def _whole(key: str, node_path: Path, kinds: Mapping[Path, Kind]) -> str:
    """SQL for all nodes, read with the rest of the response at once."""
    steps = ["data", key, *node_path]
    holders, last = steps[:-1], steps[-1]
    # In a connection the list holds edges, and these the nodes; elsewhere the nodes themselves.
    are_edges = node_path == CONNECTION
    path, field = (holders, f'."{last}"') if are_edges else (steps, "")
    node: Any = _tree(kinds)
    structure: Any = [{last: node} if are_edges else node]
    for step in reversed(path):
        structure = {step: structure}
    listed = ".".join(f'"{step}"' for step in path)
    response = f"select from_json_strict(body, '{json.dumps(structure)}') as r from response"
    return f"select edge{field} as n from (select unnest(r.{listed}, max_depth := 1) as edge from ({response}))"


def reference(leaf: Path) -> str:
    """SQL name of a leaf in the parsed page."""
    return f'"{".".join(leaf)}"'


def _parsed_as(kind: Kind) -> str:
    """The type that the JSON reader gives; an amount stays text until its digits have been counted."""
    return "VARCHAR" if kind is Kind.MONEY else kind.value


def _structure(kinds: Mapping[Path, Kind]) -> str:
    """DuckDB's JSON structure for a node with these leaves."""
    return json.dumps(_tree(kinds))


def _tree(kinds: Mapping[Path, Kind]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for leaf, kind in kinds.items():
        branch = tree
        for step in leaf[:-1]:
            branch = branch.setdefault(step, {})
        branch[leaf[-1]] = _parsed_as(kind)
    return tree


def _untrusted(value: str, kind: Kind) -> str:
    """SQL condition: the text is no value of the kind, or would lose a digit."""
    if kind is Kind.MONEY:
        return f"({value} is not null and not regexp_full_match({value}, '{_EXACT_MONEY}'))"
    is_other = f"try_cast({value} as {kind.value}) is null"
    if kind in (Kind.ID, Kind.INTEGER):
        # A cast from text would round.
        is_other += f" or not regexp_full_match({value}, '-?[0-9]+')"
    return f"({value} is not null and ({is_other}))"


def _untrusted_value(operation: Operation, leaf: str, row_id: str) -> UntrustedValue:
    return UntrustedValue(
        f"{operation.root}: the value of {leaf} in row {row_id} cannot be held exactly; look at that row in Xledger. "
        "Nothing was published."
    )
