"""From parsed pages to Arrow with the declared types: every raw table that the rows carry is selected from the page.

Rows that were already handed out (page borders, several tokens, shared vouchers) are left out, so each lands once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import duckdb
import pyarrow as pa

from pipelines.xledger.capabilities import Operation
from pipelines.xledger.parsing import CONNECTION, PAGE, PageInfo, Parser, Path, reference
from pipelines.xledger.tables import SHARED_OWNER, Column, Kind, Table

Guard = Callable[[duckdb.DuckDBPyConnection], None]

_API_TIME_ZONE = "Europe/Oslo"
_NO_ID = -(2**63)

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
class ParsedPage:
    """One parsed response, which its parser holds until `Landing.hand_out` takes it."""

    parser: Parser
    splits: tuple[Split, ...]
    rows: int
    info: PageInfo

    @property
    def end_cursor(self) -> str | None:
        return self.info.end_cursor

    @property
    def has_next_page(self) -> bool:
        return self.info.has_next_page


@dataclass(frozen=True)
class Page:
    """One landed response: Arrow tables by raw table name, the number of rows in the response, and where to go on."""

    tables: Mapping[str, pa.Table]
    rows: int
    end_cursor: str | None
    has_next_page: bool


class Landing:
    """Turns responses into Arrow tables. ``workbench`` is a private DuckDB; of what was handed out it holds ids only.

    `parse` may run in other threads, several at once; `hand_out` in one at a time.
    """

    def __init__(self, workbench: duckdb.DuckDBPyConnection, salt: str) -> None:
        self._workbench = workbench.cursor()
        # In memory: a run that is cut off goes on from the pages it kept, not from these ids.
        self._workbench.execute("attach if not exists ':memory:' as landed")
        self._salt = salt
        self._free: SimpleQueue[Parser] = SimpleQueue()
        self._highest: dict[str, int] = {}

    def land(self, body: bytes, operation: Operation, rows: Rows, guard: Guard | None = None) -> Page:
        """Parse a response and hand it out."""
        return self.hand_out(self.parse(body, operation, rows), guard)

    def parse(self, body: bytes, operation: Operation, rows: Rows) -> ParsedPage:
        """Parse a response; nothing of it counts as received before it is handed out.

        Raises:
            MalformedResponse: the body is cut or not of the asked form.
            UntrustedValue: a value that its type cannot hold exactly; the message has the row's id.
        """
        parser = self._parser()
        try:
            info, count = parser.parse(body, operation, rows.node_path, dict(_kinds(rows.splits)), _row_id(rows))
        except BaseException:
            self._free.put(parser)
            raise
        return ParsedPage(parser, rows.splits, count, info)

    def parse_each(self, body: bytes, parts: Sequence[tuple[Operation, Rows]]) -> list[ParsedPage]:
        """Parse a response that answers several operations, each under its key: all of it, or none.

        Raises:
            MalformedResponse, UntrustedValue: as `parse`.
        """
        parsed: list[ParsedPage] = []
        try:
            for operation, rows in parts:
                parsed.append(self.parse(body, operation, rows))
        except BaseException:
            for page in parsed:
                self._free.put(page.parser)
            raise
        return parsed

    def hand_out(self, parsed: ParsedPage, guard: Guard | None = None) -> Page:
        """Let the guard look at a parsed response, and only then select the raw tables. The guard's errors pass through."""
        tables: dict[str, pa.Table] = {}
        page = parsed.parser.connection
        try:
            if guard is not None:
                guard(page)
            for split in parsed.splits:
                self._make(split.table.name)
            page.execute("begin")
            try:
                for split in parsed.splits:
                    landed = self._select(page, split, parsed.rows)
                    before = tables.get(split.table.name)
                    tables[split.table.name] = landed if before is None else pa.concat_tables([before, landed])
            except BaseException:
                page.execute("rollback")
                raise
            page.execute("commit")
        finally:
            self._free.put(parsed.parser)
        return Page(tables, parsed.rows, parsed.end_cursor, parsed.has_next_page)

    def forget(self, table: str) -> None:
        """Forget what was handed out of a table: its read starts anew."""
        self._workbench.execute(f"drop table if exists landed.{table}")
        self._highest.pop(table, None)

    def count_as_handed_out(self, table: str, rows: str) -> None:
        """Let rows that an earlier read handed out count as this one's. ``rows`` is a query for owner and id."""
        self._make(table)
        self._workbench.execute(
            f"insert into landed.{table} select owner_db_id, db_id from ({rows}) "
            f"anti join landed.{table} using (owner_db_id, db_id)"
        )
        del self._highest[table]

    def handed_out(self, table: str) -> int:
        """Number of different rows handed out of a table."""
        self._make(table)
        row = self._workbench.execute(f"select count(*) from landed.{table}").fetchone()
        return row[0] if row else 0

    def _parser(self) -> Parser:
        try:
            return self._free.get_nowait()
        except Empty:
            # A connection holds one result and one page, so each page under way has its own.
            connection = self._workbench.cursor()
            connection.execute("set time zone 'UTC'")
            connection.execute("set variable salt = $salt", {"salt": self._salt})
            return Parser(connection)

    def _make(self, table: str) -> None:
        if table not in self._highest:
            self._workbench.execute(f"create table if not exists landed.{table} (owner_db_id bigint, db_id bigint)")
            row = self._workbench.execute(f"select max(db_id) from landed.{table}").fetchone()
            self._highest[table] = _NO_ID if row is None or row[0] is None else row[0]

    def _select(self, page: duckdb.DuckDBPyConnection, split: Split, rows: int) -> pa.Table:
        name = split.table.name
        made = dict(split.made)
        columns = {
            column.name: made.get(column.name) or _expression(column, split.prefix) for column in split.table.columns
        }
        keys = {column: expression for column, expression in columns.items() if column in ("owner_db_id", "db_id")}
        page.execute(
            f"create or replace temp table picked as select min(position) as position, owner_db_id, db_id "
            f"from (select position, {_aliased(keys)} from ({_candidates(split)})) "
            "where db_id is not null group by owner_db_id, db_id"
        )
        lowest, highest = page.execute("select min(db_id), max(db_id) from picked").fetchall()[0]
        if lowest is not None and lowest <= self._highest[name]:
            # With its bounds as constants, DuckDB skips the blocks of what was handed out that hold other ids.
            page.execute(
                f"delete from picked using landed.{name} as earlier where earlier.db_id between {lowest} and {highest} "
                "and picked.owner_db_id = earlier.owner_db_id and picked.db_id = earlier.db_id"
            )
        row = page.execute(f"insert into landed.{name} select owner_db_id, db_id from picked").fetchone()
        self._highest[name] = max(self._highest[name], highest if highest is not None else _NO_ID)
        are_all = row is not None and row[0] == rows
        which = "" if are_all else " where rowid in (select position from picked)"
        return (
            page.execute(f"select {_aliased(columns)} from {PAGE}{which}")
            .to_arrow_table()
            .cast(split.table.arrow_schema)
        )


def _candidates(split: Split) -> str:
    if not split.distinct_on:
        return f"select rowid as position, * from {PAGE} where {split.where}"
    names = ", ".join(reference((name,)) for name in split.distinct_on)
    return f"select min(rowid) as position, {names} from {PAGE} where {split.where} group by {names}"


def _aliased(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{expression} as {name}" for name, expression in columns.items())


def _kinds(splits: tuple[Split, ...]) -> Iterator[tuple[Path, Kind]]:
    for split in splits:
        for column in split.table.columns:
            if column.path:
                yield (*split.prefix, *column.path), column.kind


def _row_id(rows: Rows) -> Path:
    """Where the id of a response's row stands, as errors name it."""
    split = rows.splits[0]
    path = next(column.path for column in split.table.columns if column.name == "db_id")
    return (*split.prefix, *path)


def _expression(column: Column, prefix: Path) -> str:
    if not column.path:
        return f"{SHARED_OWNER if column.name == 'owner_db_id' else 'null'}::{column.kind.value}"
    value = reference((*prefix, *column.path))
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
