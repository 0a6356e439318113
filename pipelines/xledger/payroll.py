"""What payroll is, said once: the rules, the ids they leave out, and the guard over every response.

Rules over ledger lines (root transactions), first match names the line:
  type           every line of a voucher of a payroll document type
  pay_account    a line on a pay account in a voucher of any type but AP
  whole_voucher  a voucher with pay lines, no expense report, that no balancing line hides: its other lines would tell the sum
  balancing      in a voucher with pay lines, the lines on accounts that the spend models remove anyway
  payout         in a voucher that settles a payroll item, the lines on those same accounts
  unreadable     voucher, document type or account cannot be read, so the line cannot be judged
Rules over supplier-ledger items (root apTransactions):
  type           an item of a payroll document type
  voucher        an item whose voucher holds a pay line
  match_group    an item matched with a payroll item, a payroll line or a pay line
  employee       an item on a subledger that is no supplier's
  unreadable     voucher, document type or subledger cannot be read

The rules run over ids, types and accounts alone, in the private tables of the ``fence`` schema.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

from pipelines.xledger.capabilities import IdFilter
from pipelines.xledger.charts import BALANCING_RANGE, CHART_NAMES, account_number, in_ranges
from pipelines.xledger.errors import PayrollHit, PayrollStop
from pipelines.xledger.landing import PAGE
from pipelines.xledger.settings import Settings

TRANSACTIONS: Final = "transactions"
AP_TRANSACTIONS: Final = "apTransactions"
LEDGER_ROOTS: Final = (TRANSACTIONS, AP_TRANSACTIONS)

SUPPLIER_INVOICE = "AP"
EXPENSE_REPORT = "ER"

_EMPLOYEE_LEDGER = "EMPLOY|ANSATT|ANSTÄLL|ANSTALL|MEDARB"
_SUPPLIER_LEDGER = "SUPPLIER|VENDOR|CREDITOR|KREDITOR|LEVERAND|LEVERANT"

_CENSUS_TABLES = {
    TRANSACTIONS: "fence.gl",
    AP_TRANSACTIONS: "fence.ap",
}
_EXCLUDED_TABLES = {TRANSACTIONS: "fence.gl_excluded", AP_TRANSACTIONS: "fence.ap_excluded"}


@dataclass(frozen=True)
class Evidence:
    """One line of the audit: how many ids a rule left out, and a hash over them, never the ids themselves."""

    root: str
    rule: str
    excluded_ids: int
    ids_sha256: str


class FencedFilter:
    """A filter that carries the exclusion; only `Exclusions` makes one, and no ledger query can be sent without one."""

    def __init__(self, exclusions: Exclusions, conditions: Mapping[str, Any], ids: int) -> None:
        self.root = exclusions.root
        self.conditions = dict(conditions)
        self.ids = ids


class PayrollFence:
    """The tables and rules of the fence; filled by the pre-queries."""

    def __init__(self, workbench: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        self._workbench = workbench
        self._settings = settings
        self.forget()

    def forget(self) -> None:
        """Empty the fence: the pre-queries start again."""
        self._workbench.execute(
            """
            create schema if not exists fence;
            create or replace table fence.account (db_id bigint, is_pay boolean, is_balancing boolean);
            create or replace table fence.supplier (db_id bigint);
            create or replace table fence.subledger (db_id bigint, ledger_type_name varchar);
            create or replace table fence.gl (owner_db_id bigint, db_id bigint, header_db_id bigint, account_db_id bigint,
                match_id bigint, document_type_db_id bigint, document_type varchar);
            create or replace table fence.ap (owner_db_id bigint, db_id bigint, header_db_id bigint, subledger_db_id bigint,
                match_id bigint, document_type_db_id bigint, document_type varchar,
                ledger_type_code varchar, ledger_type_name varchar);
            create or replace table fence.payroll_code (code varchar);
            """
        )
        codes = [[code.upper()] for code in self._settings.payroll_document_types]
        self._workbench.executemany("insert into fence.payroll_code values (?)", codes)

    def take_accounts(self, accounts: pa.Table) -> None:
        """Mark which accounts hold pay and which balance a voucher. ``accounts`` has the columns of the raw table."""
        marked = [self._marks(row) for row in accounts.to_pylist()]
        if marked:
            self._workbench.executemany("insert into fence.account values (?, ?, ?)", marked)

    def _marks(self, row: Mapping[str, Any]) -> tuple[int, bool, bool]:
        number = account_number(row["code"])
        chart = CHART_NAMES.get(row["chart_of_account_db_id"] or 0)
        is_removed_anyway = in_ranges(number, (BALANCING_RANGE,))
        if chart is None:
            # Charts without a table of ranges are judged by the account's own flags.
            return row["db_id"], bool(row["cost_wages_salaries"]), is_removed_anyway or bool(row["balance_sheet"])
        return row["db_id"], in_ranges(number, self._settings.payroll_account_ranges[chart]), is_removed_anyway

    def take(self, table: str, rows: pa.Table) -> None:
        """Add pre-queried rows to ``supplier``, ``subledger``, ``gl`` or ``ap``."""
        columns = [name for name in rows.column_names if name in self._columns(table)]
        self._workbench.register("pre_queried", rows.select(columns))
        self._workbench.execute(f"insert into fence.{table} by name select * from pre_queried")
        self._workbench.unregister("pre_queried")

    def _columns(self, table: str) -> set[str]:
        described = self._workbench.execute(f"select column_name from (describe fence.{table})").fetchall()
        return {name for (name,) in described}

    def judge(self) -> None:
        """Run the rules.

        Raises:
            PayrollStop: what was read cannot be right (no payroll type though pay accounts are in use, unreadable types).
        """
        self._workbench.execute(_JUDGE_LINES)
        self._workbench.execute(_JUDGE_VOUCHERS)
        self._workbench.execute(_JUDGE_ITEMS)
        self._workbench.execute(_EXCLUDE_LINES)
        self._workbench.execute(_EXCLUDE_ITEMS)
        self._fail_closed()

    def _fail_closed(self) -> None:
        lines, typed, of_payroll_type, on_pay_accounts = self._row(
            "select count(*), count(document_type), count(*) filter (where is_payroll_type), count(*) filter (where is_pay_line) "
            "from fence.gl_judged"
        )
        if lines and not typed:
            raise PayrollStop(
                "The token may not read the document type of any ledger line, so payroll cannot be told from the rest; "
                "tick read access for TransactionHeader, ObjectValue and SystemValue, then run again. Nothing was published."
            )
        if on_pay_accounts and not of_payroll_type and not self._settings.no_payroll_expected:
            codes = ", ".join(self._settings.payroll_document_types)
            raise PayrollStop(
                f"{on_pay_accounts} lines stand on pay accounts but none has a payroll document type ({codes}); name the "
                "right ones in SOURCES__XLEDGER__PAYROLL_DOCUMENT_TYPES, or, if this company has no payroll in Xledger, set "
                "payroll.none_expected = true. Nothing was published."
            )

    def exclusions(self, root: str, id_filter: IdFilter, fence: int) -> Exclusions:
        """The exclusion set of a root; ``fence`` is the highest id that may be read."""
        return Exclusions(self._workbench, root, id_filter, fence)

    def evidence(self) -> Iterator[Evidence]:
        """Per root and rule: number of ids and SHA-256 over the sorted ids, one a line."""
        for root, table in _EXCLUDED_TABLES.items():
            rules = self._workbench.execute(
                f"select rule, count(*) from {table} group by rule order by rule"
            ).fetchall()
            for rule, excluded_ids in rules:
                digest = hashlib.sha256()
                ids = self._workbench.cursor().execute(
                    f"select db_id from {table} where rule = ? order by db_id", [rule]
                )
                while batch := ids.fetchmany(100_000):
                    digest.update("".join(f"{db_id}\n" for (db_id,) in batch).encode())
                yield Evidence(root, rule, excluded_ids, digest.hexdigest())

    def seen(self, root: str) -> int:
        """Number of rows the pre-queries saw."""
        return int(self._row(f"select count(*) from {_CENSUS_TABLES[root]}")[0])

    def excluded(self, root: str) -> int:
        """Number of rows left out."""
        return int(self._row(f"select count(*) from {_EXCLUDED_TABLES[root]}")[0])

    def excluded_by_type(self, root: str) -> int:
        """Number of rows left out for their payroll document type."""
        return int(self._row(f"select count(*) from {_EXCLUDED_TABLES[root]} where rule = 'type'")[0])

    def suppliers_to_ask_for(self) -> list[int]:
        """Suppliers' ids, without those that only payroll items name (staff, unions, collectors set up as suppliers)."""
        rows = self._workbench.execute(
            """
            with judged as (
                select ap.subledger_db_id, bool_and(coalesce(excluded.rule in ('type', 'match_group'), false)) as is_only_payroll
                from fence.ap as ap left join fence.ap_excluded as excluded using (db_id) group by all
            )
            select supplier.db_id from fence.supplier as supplier
            left join judged on judged.subledger_db_id = supplier.db_id
            left join fence.subledger as subledger on subledger.db_id = supplier.db_id
            where not coalesce(judged.is_only_payroll, false)
                and not regexp_matches(upper(coalesce(subledger.ledger_type_name, '')), $employee)
            order by 1
            """,
            {"employee": _EMPLOYEE_LEDGER},
        ).fetchall()
        return [db_id for (db_id,) in rows]

    def guard(self, root: str) -> Callable[[duckdb.DuckDBPyConnection], None]:
        """A check of one parsed response against the rules; raises PayrollHit."""
        sql = {TRANSACTIONS: _GUARD_LINES, AP_TRANSACTIONS: _GUARD_ITEMS}[root]

        def check(workbench: duckdb.DuckDBPyConnection) -> None:
            hits = workbench.execute(sql).fetchone()
            if hits and hits[0]:
                raise PayrollHit(root, hits[0])

        return check

    def _row(self, sql: str) -> tuple[Any, ...]:
        row = self._workbench.execute(sql).fetchone()
        assert row is not None  # noqa: S101
        return row


class Exclusions:
    """The ids of one root that no query may return, and the filters that say so."""

    def __init__(self, workbench: duckdb.DuckDBPyConnection, root: str, id_filter: IdFilter, fence: int) -> None:
        self.root = root
        self._workbench = workbench
        self._id_filter = id_filter
        self._fence = fence
        self._document_types = self._allowed_document_types()

    @property
    def names_what_to_leave_out(self) -> bool:
        """Whether the exception is said by the negative operator; else the ids to read are named."""
        return self._id_filter.id_not_in is not None and self._id_filter.has_ranges

    def next_window(self, above: int, most_ids: int) -> tuple[FencedFilter, int] | None:
        """The filter for the next ids greater than ``above``, and the last id it reaches; None when all are read.

        No list is longer than ``most_ids``.
        """
        if above >= self._fence:
            return None
        return self._leave_out(above, most_ids) if self.names_what_to_leave_out else self._name(above, most_ids)

    def _leave_out(self, above: int, most_ids: int) -> tuple[FencedFilter, int]:
        ids = self._ids(
            f"select db_id from {_EXCLUDED_TABLES[self.root]} where db_id > ? and db_id <= ? order by db_id limit ?",
            [above, self._fence, most_ids],
        )
        last = ids[-1] if len(ids) == most_ids else self._fence
        conditions = self._id_filter.above(above) | self._id_filter.up_to(last) | self._document_types
        if ids:
            conditions[str(self._id_filter.id_not_in)] = self._id_filter.values(ids)
        return FencedFilter(self, conditions, len(ids)), last

    def _name(self, above: int, most_ids: int) -> tuple[FencedFilter, int] | None:
        ids = self._ids(
            f"select census.db_id from {_CENSUS_TABLES[self.root]} as census "
            f"anti join {_EXCLUDED_TABLES[self.root]} as excluded using (db_id) "
            "where census.db_id > ? and census.db_id <= ? order by census.db_id limit ?",
            [above, self._fence, most_ids],
        )
        if not ids:
            return None
        conditions = {str(self._id_filter.id_in): self._id_filter.values(ids)} | self._document_types
        return FencedFilter(self, conditions, len(ids)), ids[-1]

    def _allowed_document_types(self) -> dict[str, Any]:
        """The positive filter on document type rides along, so that the server leaves out a line re-typed during the run."""
        if self._id_filter.document_type_in is None:
            return {}
        types = self._ids(
            f"select distinct document_type_db_id from {_CENSUS_TABLES[self.root]} as census "
            f"where document_type_db_id is not null and document_type_db_id not in ("
            f"  select document_type_db_id from fence.payroll_type) order by 1",
            [],
        )
        return {self._id_filter.document_type_in: types}

    def _ids(self, sql: str, parameters: Sequence[Any]) -> list[int]:
        return [row[0] for row in self._workbench.execute(sql, parameters).fetchall()]


_JUDGE_LINES = f"""
create or replace table fence.gl_judged as
select
    gl.*,
    coalesce(upper(trim(gl.document_type)) in (select code from fence.payroll_code), false) as is_payroll_type,
    coalesce(account.is_pay and gl.document_type <> '{SUPPLIER_INVOICE}', false) as is_pay_line,
    coalesce(account.is_balancing, false) as is_balancing,
    gl.header_db_id is null or gl.document_type is null or account.db_id is null as is_unreadable
from fence.gl as gl
left join fence.account as account on account.db_id = gl.account_db_id;
"""

_JUDGE_VOUCHERS = f"""
create or replace table fence.payroll_type as
select distinct document_type_db_id from fence.gl_judged where is_payroll_type and document_type_db_id is not null;

create or replace table fence.pay_voucher as
select
    owner_db_id,
    header_db_id,
    not bool_or(is_balancing and not is_pay_line) and any_value(document_type) <> '{EXPENSE_REPORT}' as is_whole
from fence.gl_judged
where not is_payroll_type and header_db_id is not null
group by all
having bool_or(is_pay_line);
"""

_JUDGE_ITEMS = f"""
create or replace table fence.ap_judged as
with items as (
    select
        ap.*,
        supplier.db_id is not null as is_among_suppliers,
        upper(concat_ws(' ', ap.ledger_type_code, ap.ledger_type_name, subledger.ledger_type_name)) as ledger_type
    from fence.ap as ap
    left join fence.supplier as supplier on supplier.db_id = ap.subledger_db_id
    left join fence.subledger as subledger on subledger.db_id = ap.subledger_db_id
)
select
    items.*,
    coalesce(upper(trim(document_type)) in (select code from fence.payroll_code), false) as is_payroll_type,
    regexp_matches(ledger_type, '{_EMPLOYEE_LEDGER}')
    or not (is_among_suppliers or regexp_matches(ledger_type, '{_SUPPLIER_LEDGER}')) as is_employee,
    header_db_id is null or document_type is null or subledger_db_id is null as is_unreadable
from items;

create or replace table fence.payroll_match as
select owner_db_id, match_id from fence.gl_judged where match_id <> 0 and (is_payroll_type or is_pay_line)
union
select owner_db_id, match_id from fence.ap_judged where match_id <> 0 and is_payroll_type;

insert into fence.payroll_type
select distinct document_type_db_id from fence.ap_judged where is_payroll_type and document_type_db_id is not null;

create or replace table fence.payout_voucher as
select distinct item.owner_db_id, item.header_db_id
from fence.ap_judged as item
inner join fence.payroll_match using (owner_db_id, match_id)
where not item.is_payroll_type and item.document_type <> '{SUPPLIER_INVOICE}';
"""

_EXCLUDE_LINES = f"""
create or replace table fence.gl_excluded as
select db_id, rule from (
    select
        gl.db_id,
        case
            when gl.is_payroll_type then 'type'
            when gl.is_pay_line then 'pay_account'
            when pay_voucher.is_whole and gl.document_type <> '{SUPPLIER_INVOICE}' then 'whole_voucher'
            when pay_voucher.header_db_id is not null and gl.is_balancing then 'balancing'
            when payout_voucher.header_db_id is not null and gl.is_balancing then 'payout'
            when gl.is_unreadable then 'unreadable'
        end as rule
    from fence.gl_judged as gl
    left join fence.pay_voucher as pay_voucher using (owner_db_id, header_db_id)
    left join fence.payout_voucher as payout_voucher using (owner_db_id, header_db_id)
) where rule is not null order by db_id;
"""

_EXCLUDE_ITEMS = """
create or replace table fence.ap_excluded as
select db_id, rule from (
    select
        item.db_id,
        case
            when item.is_payroll_type then 'type'
            when pay_voucher.header_db_id is not null then 'voucher'
            when payroll_match.match_id is not null then 'match_group'
            when item.is_unreadable then 'unreadable'
            when item.is_employee then 'employee'
        end as rule
    from fence.ap_judged as item
    left join fence.pay_voucher as pay_voucher using (owner_db_id, header_db_id)
    left join fence.payroll_match as payroll_match using (owner_db_id, match_id)
) where rule is not null order by db_id;
"""

_GUARD_LINES = f"""
select count(*)
from {PAGE}
left join fence.account as account on account.db_id = "accountDbId"
where account.db_id is null
    or "header.dbId" is null
    or "header.transactionSource.code" is null
    or upper(trim("header.transactionSource.code")) in (select code from fence.payroll_code)
    or (account.is_pay and "header.transactionSource.code" <> '{SUPPLIER_INVOICE}')
    or "dbId" in (select db_id from fence.gl_excluded)
    or "dbId" not in (select db_id from fence.gl)
    or (
        (account.is_balancing and "header.transactionSource.code" <> '{SUPPLIER_INVOICE}')
        and "header.dbId" in (
            select header_db_id from fence.pay_voucher union all select header_db_id from fence.payout_voucher
        )
    )
"""

_GUARD_ITEMS = f"""
select count(*)
from {PAGE}
where "transactionHeader.dbId" is null
    or "transactionHeader.transactionSource.code" is null
    or upper(trim("transactionHeader.transactionSource.code")) in (select code from fence.payroll_code)
    or regexp_matches(upper(concat_ws(' ', "ledgerType.code", "ledgerType.name")), '{_EMPLOYEE_LEDGER}')
    or "dbId" in (select db_id from fence.ap_excluded)
    or "dbId" not in (select db_id from fence.ap)
    or "transactionHeader.dbId" in (select header_db_id from fence.pay_voucher)
    or ("matchId" <> 0 and ("ownerDbId", "matchId") in (select (owner_db_id, match_id) from fence.payroll_match))
"""
