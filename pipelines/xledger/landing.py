"""Response bytes to Arrow with the declared types, inside DuckDB, without a Python object per cell.

A page is parsed once into a temporary table with a column a leaf, named by its path (``"header.dbId"``); every raw table
that the rows carry is selected from it. Rows that were already handed out (page borders, several tokens, shared vouchers)
are left out, so each lands once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.xledger.capabilities import Operation
from pipelines.xledger.errors import NO_DATA, MalformedResponse, UntrustedValue
from pipelines.xledger.tables import SHARED_OWNER, Column, Kind, Table

Path = tuple[str, ...]
Guard = Callable[[duckdb.DuckDBPyConnection], None]

PAGE = "page"
CONNECTION: Path = ("edges", "node")

_API_TIME_ZONE = "Europe/Oslo"

# What DECIMAL(19,4) holds without losing a digit: fifteen digits, then four decimals and any zeros.
_EXACT_MONEY = r"-?([0-9]{1,15}(\.[0-9]{0,4}0*)?|\.[0-9]{1,4}0*)"

# DuckDB's JSON reader makes a double of a bare number: exact to fifteen digits, and these with their point are so long.
_LONGEST_EXACT_NUMBER = 16

# Norwegian national ids have 11 digits; Swedish and Danish ones 10 or 12, told from organisation numbers by the month.
# A Swedish sole trader's VAT number is SE, the ten digits, 01.
_NATIONAL_ID = r"(?i)^(\d{11}|(19|20)?\d{2}[01]\d{7}|SE\d{2}[01]\d{9})$"
_NATIONAL_ID_COLUMNS = frozenset({"company_number", "tax_number", "tax_no"})


@dataclass(frozen=True)
class Split:
    """One raw table that a document's rows carry; ``prefix`` goes before the paths of the table's columns.

    ``made`` gives the SQL of columns that stand nowhere in the response, ``where`` a condition on the rows;
    ``distinct_on`` names the leaves that the key is made of where making it costs much.
    """

    table: Table
    prefix: Path = ()
    made: tuple[tuple[str, str], ...] = ()
    where: str = "true"
    distinct_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    """Where a document's rows stand below its root, and the tables they carry."""

    splits: tuple[Split, ...]
    node_path: Path = CONNECTION


@dataclass(frozen=True)
class Page:
    """One landed response: Arrow tables by raw table name, the number of rows in the response, and where to go on."""

    tables: Mapping[str, pa.Table]
    rows: int
    end_cursor: str | None
    has_next_page: bool


class Landing:
    """Turns responses into Arrow tables. ``workbench`` is a private DuckDB; of what was handed out it holds ids only."""

    def __init__(self, workbench: duckdb.DuckDBPyConnection, salt: str) -> None:
        # A page lands in a thread of its own while its caller uses the workbench, and a connection holds one result only.
        self._workbench = workbench.cursor()
        self._workbench.execute("create schema if not exists landed; set time zone 'UTC'")
        self._workbench.execute("set variable salt = $salt", {"salt": salt})

    def land(self, body: bytes, operation: Operation, rows: Rows, guard: Guard | None = None) -> Page:
        """Parse a response, let the guard look at it, and only then select the raw tables.

        Raises:
            MalformedResponse: the body is cut or not of the asked form.
            UntrustedValue: a value that its type cannot hold exactly; the message has the row's id.
        """
        depth = len(rows.node_path)
        leaves = frozenset(leaf[depth:] for leaf in operation.leaves if leaf[:depth] == rows.node_path)
        end_cursor, has_next_page = self._parse(body, operation, rows, leaves)
        if guard is not None:
            guard(self._workbench)
        tables: dict[str, pa.Table] = {}
        for split in rows.splits:
            landed = self._select(split)
            before = tables.get(split.table.name)
            tables[split.table.name] = landed if before is None else pa.concat_tables([before, landed])
        return Page(tables, self._count(), end_cursor, has_next_page)

    def forget(self, table: str) -> None:
        """Forget what was handed out of a table: its read starts anew."""
        self._workbench.execute(f"drop table if exists landed.{table}")

    def handed_out(self, table: str) -> int:
        """Number of different rows handed out of a table."""
        self._workbench.execute(f"create table if not exists landed.{table} (owner_db_id bigint, db_id bigint)")
        return int(self._value(f"select count(*) from landed.{table}"))

    def _parse(self, body: bytes, operation: Operation, rows: Rows, leaves: frozenset[Path]) -> tuple[str | None, bool]:
        try:
            response = pa.table({"body": pa.array([body], pa.large_binary()).cast(pa.large_string())})
        except pa.ArrowInvalid:
            raise MalformedResponse("the body is no UTF-8") from None
        declared = dict(_kinds(rows.splits))
        kinds = {leaf: declared.get(leaf, Kind.TEXT) for leaf in leaves}
        lacking = {leaf: kind for leaf, kind in declared.items() if leaf not in leaves}
        nodes = (
            f"select unnest(json_extract(body, '{_nodes_path(operation.root, rows.node_path)}')) as node from response"
        )
        self._workbench.register("response", response)
        try:
            end_cursor, has_next_page = self._page_info(operation.root, rows.node_path)
            if not self._fill(nodes, kinds, lacking, "from_json_strict"):
                if self._fill(nodes, dict.fromkeys(kinds, Kind.TEXT), lacking, "from_json"):
                    self._refuse_untrusted(kinds, operation, rows)
                raise MalformedResponse("the body is no whole JSON of the asked form")
            if rows.node_path == CONNECTION:
                self._refuse_missing_rows(operation.root)
            money = {leaf: kind for leaf, kind in kinds.items() if kind is Kind.MONEY}
            self._refuse_untrusted(money, operation, rows)
            self._refuse_rounded(money, nodes, operation)
        finally:
            self._workbench.unregister("response")
        return end_cursor, has_next_page

    def _page_info(self, root: str, node_path: Path) -> tuple[str | None, bool]:
        if node_path != CONNECTION:
            holder = ".".join(("$.data", root, *node_path[:-1]))
            if self._read(f"json_type(body, '{holder}')") != "OBJECT":
                raise MalformedResponse(NO_DATA)
            return None, False
        paths = [f"$.data.{root}.pageInfo.hasNextPage", f"$.data.{root}.edges[#-1].cursor"]
        has_next_page, end_cursor = self._read(f"json_extract_string(body, {paths})") or (None, None)
        if has_next_page not in ("true", "false"):
            raise MalformedResponse(NO_DATA)
        return end_cursor, has_next_page == "true"

    # DuckDB's errors quote the response. In the next two methods they end, so that no other error has them as its context.

    def _read(self, expression: str) -> Any:
        """The value of an expression over the response; None where the response is no JSON."""
        try:
            return self._value(f"select {expression} from response")
        except duckdb.InvalidInputException:
            return None

    def _fill(self, nodes: str, kinds: Mapping[Path, Kind], lacking: Mapping[Path, Kind], transform: str) -> bool:
        """Parse the nodes into the page, with nulls for what was not asked for; False where they are not of these kinds."""
        flat = ["n." + ".".join(f'"{step}"' for step in leaf) + f" as {_reference(leaf)}" for leaf in sorted(kinds)]
        flat += [f"null::{_parsed_as(lacking[leaf])} as {_reference(leaf)}" for leaf in sorted(lacking)]
        structure = _structure({leaf: _parsed_as(kind) for leaf, kind in kinds.items()})
        try:
            self._workbench.execute(
                f"create or replace temp table {PAGE} as select {', '.join(flat)} "
                f"from (select {transform}(node, '{structure}') as n from ({nodes}))"
            )
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            return False
        return True

    def _refuse_missing_rows(self, root: str) -> None:
        """Every row has its id, and no rows come as an empty or a null list: a short answer is never taken for the end."""
        if self._value(f'select count(*) from {PAGE} where "dbId" is null'):
            raise MalformedResponse("the answer holds a row without its id")
        if not self._count() and self._read(f"json_type(body, '$.data.{root}.edges')") not in ("ARRAY", "NULL"):
            raise MalformedResponse("the answer holds no list of rows")

    def _refuse_untrusted(self, kinds: Mapping[Path, Kind], operation: Operation, rows: Rows) -> None:
        """Stop at the first value that its declared type cannot hold exactly."""
        bad = {leaf: _untrusted(_reference(leaf), kind) for leaf, kind in kinds.items() if kind is not Kind.TEXT}
        if not bad:
            return
        which = " ".join(f"when {condition} then '{'.'.join(leaf)}'" for leaf, condition in bad.items())
        found = self._workbench.execute(
            f"select case {which} end, {_row_id(rows)}::varchar from {PAGE} where {' or '.join(bad.values())} limit 1"
        ).fetchone()
        if found:
            raise _untrusted_value(operation, *found)

    def _refuse_rounded(self, money: Collection[Path], nodes: str, operation: Operation) -> None:
        """Stop at the first amount that came as a number with more digits than the JSON reader keeps."""
        for leaf in money:
            if self._value(f"select max(length({_reference(leaf)})) > {_LONGEST_EXACT_NUMBER} from {PAGE}"):
                amount = f"'$.{'.'.join(leaf)}'"
                row_id = self._value(
                    f"select node->>'$.dbId' from ({nodes}) where json_type(node, {amount}) = 'DOUBLE' "
                    f"and length(ltrim(node->>{amount}, '-')) > {_LONGEST_EXACT_NUMBER} limit 1"
                )
                if row_id is not None:
                    raise _untrusted_value(operation, ".".join(leaf), row_id)

    def _select(self, split: Split) -> pa.Table:
        name = split.table.name
        made = dict(split.made)
        columns = {
            column.name: made.get(column.name) or _expression(column, split.prefix) for column in split.table.columns
        }
        self._workbench.execute(f"create table if not exists landed.{name} (owner_db_id bigint, db_id bigint)")
        keys = {column: expression for column, expression in columns.items() if column in ("owner_db_id", "db_id")}
        self._workbench.execute(
            f"create or replace temp table picked as "
            f"select min(position) as position, owner_db_id, db_id "
            f"from (select position, {_aliased(keys)} from ({self._candidates(split)})) as keyed "
            f"anti join landed.{name} as landed using (owner_db_id, db_id) where db_id is not null group by owner_db_id, db_id"
        )
        self._workbench.execute(f"insert into landed.{name} select owner_db_id, db_id from picked")
        return (
            self._workbench.execute(
                f"select {_aliased(columns)} from {PAGE} where rowid in (select position from picked)"
            )
            .to_arrow_table()
            .cast(split.table.arrow_schema)
        )

    def _candidates(self, split: Split) -> str:
        if not split.distinct_on:
            return f"select rowid as position, * from {PAGE} where {split.where}"
        names = ", ".join(_reference((name,)) for name in split.distinct_on)
        return f"select min(rowid) as position, {names} from {PAGE} where {split.where} group by {names}"

    def _count(self) -> int:
        return int(self._value(f"select count(*) from {PAGE}"))

    def _value(self, sql: str) -> Any:
        row = self._workbench.execute(sql).fetchone()
        return row[0] if row else None


def _nodes_path(root: str, node_path: Path) -> str:
    if node_path == CONNECTION:
        return f"$.data.{root}.edges[*].node"
    return ".".join(("$.data", root, *node_path)) + "[*]"


def _reference(leaf: Path) -> str:
    return f'"{".".join(leaf)}"'


def _aliased(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{expression} as {name}" for name, expression in columns.items())


def _kinds(splits: tuple[Split, ...]) -> Iterator[tuple[Path, Kind]]:
    for split in splits:
        for column in split.table.columns:
            if column.path:
                yield (*split.prefix, *column.path), column.kind


def _parsed_as(kind: Kind) -> str:
    """The type that the JSON reader gives; an amount stays text until its digits have been counted."""
    return "VARCHAR" if kind is Kind.MONEY else kind.value


def _row_id(rows: Rows) -> str:
    """SQL for the id of a response's row, as errors name it."""
    split = rows.splits[0]
    path = next(column.path for column in split.table.columns if column.name == "db_id")
    return _reference((*split.prefix, *path))


def _structure(types: Mapping[Path, str]) -> str:
    """DuckDB's JSON structure for a node with these leaves."""
    tree: dict[str, Any] = {}
    for leaf, type_name in types.items():
        branch = tree
        for step in leaf[:-1]:
            branch = branch.setdefault(step, {})
        branch[leaf[-1]] = type_name
    return json.dumps(tree)


def _expression(column: Column, prefix: Path) -> str:
    if not column.path:
        return f"{SHARED_OWNER if column.name == 'owner_db_id' else 'null'}::{column.kind.value}"
    value = _reference((*prefix, *column.path))
    if column.name == "owner_db_id":
        return f"coalesce({value}, {SHARED_OWNER})"
    if column.kind is Kind.TIME:
        return f"timezone('UTC', timezone('{_API_TIME_ZONE}', {value}))"
    if column.kind is Kind.MONEY:
        # A cast to 18 digits is a hundred times as fast as one to 19; the few larger amounts take the slow way.
        return f"coalesce(try_cast({value} as decimal(18, 4))::{column.kind.value}, {value}::{column.kind.value})"
    if column.name in _NATIONAL_ID_COLUMNS:
        return f"case when not regexp_matches(regexp_replace({value}, '[^0-9A-Za-z]', '', 'g'), '{_NATIONAL_ID}') then {value} end"
    return value


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
