"""What payroll is, said once: the rules, the ids they leave out, and the guard over every response.

`RULES` names them, for ledger lines (root transactions) and for supplier-ledger items (root apTransactions).
The rules run over ids, types and accounts alone, in the private tables of the ``fence`` schema.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import duckdb
import pyarrow as pa

from pipelines.xledger.capabilities import IdFilter
from pipelines.xledger.charts import BALANCING_RANGE, CHART_NAMES, TAX_RANGES, account_number, in_ranges
from pipelines.xledger.errors import PayrollHit, PayrollStop
from pipelines.xledger.parsing import PAGE
from pipelines.xledger.settings import Settings
from pipelines.xledger.workbench import on_all_cores

TRANSACTIONS: Final = "transactions"
AP_TRANSACTIONS: Final = "apTransactions"
LEDGER_ROOTS: Final = (TRANSACTIONS, AP_TRANSACTIONS)

SUPPLIER_INVOICE = "AP"
EXPENSE_REPORT = "ER"
BANK_VOUCHER = "BA"

_EMPLOYEE_LEDGER = "EMPLOY|ANSATT|ANSTÄLL|ANSTALL|MEDARB"
_SUPPLIER_LEDGER = "SUPPLIER|VENDOR|CREDITOR|KREDITOR|LEVERAND|LEVERANT"

_VOUCHER = (("dbId",), ("transactionSource", "dbId"), ("transactionSource", "code"))
# What may arrive for payroll rows too: ids, types and accounts. Whatever asks for more carries the exclusion.
ALLOWED_OF_PAYROLL: Final[Mapping[str, frozenset[tuple[str, ...]]]] = {
    TRANSACTIONS: frozenset(
        {("dbId",), ("ownerDbId",), ("accountDbId",), ("matchId",), *(("header", *leaf) for leaf in _VOUCHER)}
    ),
    AP_TRANSACTIONS: frozenset(
        {("dbId",), ("ownerDbId",), ("subledgerDbId",), ("matchId",)}
        | {("ledgerType", leaf) for leaf in ("dbId", "code", "name")}
        | {("transactionHeader", *leaf) for leaf in _VOUCHER}
    ),
}

# What each rule leaves out, in the order in which the first that fits names a row.
RULES: Final[Mapping[str, Mapping[str, str]]] = {
    TRANSACTIONS: {
        "type": "every line of a voucher of a payroll document type",
        "pay_account": "a line on a pay account, in a voucher of any type but supplier invoice (AP)",
        "whole_voucher": "every line of a voucher with pay lines that has no balancing line but VAT; not of expense reports (ER)",
        "balancing": "in a voucher with pay lines, the lines on accounts 1900-3000 (bank, debt, tax)",
        "payout": "in a voucher that pays out a payroll item, the lines on accounts 1900-3000",
        "unreadable": "a line whose voucher, document type or account cannot be read, and so cannot be judged",
    },
    AP_TRANSACTIONS: {
        "type": "an item of a payroll document type",
        "voucher": "an item whose voucher holds a pay line",
        "match_group": "an item matched with a payroll item, a payroll line, a pay line or the open item of pay posted through it",
        "employee": "an item on a subledger that is no supplier's, such as an employee's expense report",
        "unreadable": "an item whose voucher, document type or subledger cannot be read",
    },
}

CENSUS_TABLES = {
    TRANSACTIONS: "fence.gl",
    AP_TRANSACTIONS: "fence.ap",
}
EXCLUDED_TABLES = {TRANSACTIONS: "fence.gl_excluded", AP_TRANSACTIONS: "fence.ap_excluded"}

_MARKED_ACCOUNTS = pa.schema(
    {"db_id": pa.int64(), "is_pay": pa.bool_(), "is_balancing": pa.bool_(), "is_tax": pa.bool_()}
)


@dataclass(frozen=True)
class Evidence:
    """One line of the audit: how many ids a rule left out, and a hash over them, never the ids themselves."""

    root: str
    rule: str
    excluded_ids: int
    ids_sha256: str


class FencedFilter:
    """A filter that carries the exclusion; only `Exclusions` makes one, and no ledger query can be sent without one.

    ``probe`` is a filter that the API must answer with no ids but those in ``probe_ids``, if it honours the exclusion whole.
    """

    def __init__(
        self,
        exclusions: Exclusions,
        conditions: Mapping[str, Any],
        ids: int,
        probe: Mapping[str, Any],
        probe_ids: frozenset[int] = frozenset(),
    ) -> None:
        self.root = exclusions.root
        self.conditions = dict(conditions)
        self.ids = ids
        self.probe = dict(probe)
        self.probe_ids = probe_ids


class PayrollFence:
    """The tables and rules of the fence; filled by the pre-queries."""

    def __init__(self, workbench: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        self._workbench = workbench
        self._settings = settings
        self._is_whole_ledger = False
        self.forget()

    def forget(self) -> None:
        """Empty the fence: the pre-queries start again."""
        self._workbench.execute(
            """
            create schema if not exists fence;
            create or replace table fence.account (db_id bigint, is_pay boolean, is_balancing boolean, is_tax boolean);
            create or replace table fence.supplier (db_id bigint);
            create or replace table fence.subledger (db_id bigint, ledger_type_name varchar);
            create or replace table fence.ap (owner_db_id bigint, db_id bigint, header_db_id bigint, subledger_db_id bigint,
                match_id bigint, document_type_db_id bigint, document_type varchar,
                ledger_type_code varchar, ledger_type_name varchar);
            create or replace table fence.payroll_code (code varchar);
            create or replace table fence.document_type (db_id bigint, code varchar);
            """
        )
        self.forget_lines()
        codes = [[code.upper()] for code in self._settings.payroll_document_types]
        self._workbench.executemany("insert into fence.payroll_code values (?)", codes)

    def forget_lines(self) -> None:
        """Empty the lines alone."""
        self._workbench.execute(
            """
            create or replace table fence.gl (owner_db_id bigint, db_id bigint, header_db_id bigint, account_db_id bigint,
                match_id bigint, document_type_db_id bigint, document_type varchar);
            """
        )

    def take_accounts(self, accounts: pa.Table) -> None:
        """Mark which accounts hold pay and which balance a voucher. ``accounts`` has the columns of the raw table."""
        self.take("account", pa.Table.from_pylist([self._marks(row) for row in accounts.to_pylist()], _MARKED_ACCOUNTS))

    def _marks(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        number = account_number(row["code"])
        chart = CHART_NAMES.get(row["chart_of_account_db_id"] or 0)
        is_balancing = in_ranges(number, (BALANCING_RANGE,))
        is_tax = False
        if chart is None:
            # Charts without a table of ranges are judged by the account's own flags. A flag that cannot be read counts as
            # set: better a line too few than somebody's pay.
            is_pay = row["cost_wages_salaries"] is not False
            is_balancing = is_balancing or row["balance_sheet"] is not False
        elif number is None:
            is_pay, is_balancing = bool(row["cost_wages_salaries"]), bool(row["balance_sheet"])
        else:
            is_pay = in_ranges(number, self._settings.payroll_account_ranges[chart])
            is_tax = in_ranges(number, TAX_RANGES[chart])
        return {"db_id": row["db_id"], "is_pay": is_pay, "is_balancing": is_balancing, "is_tax": is_tax}

    def take(self, table: str, rows: pa.Table) -> None:
        """Add pre-queried rows to ``account``, ``supplier``, ``subledger``, ``gl`` or ``ap``."""
        columns = [name for name in rows.column_names if name in self._columns(table)]
        self._workbench.register("pre_queried", rows.select(columns))
        self._workbench.execute(f"insert into fence.{table} by name select * from pre_queried")
        self._workbench.unregister("pre_queried")

    def _columns(self, table: str) -> set[str]:
        described = self._workbench.execute(f"select column_name from (describe fence.{table})").fetchall()
        return {name for (name,) in described}

    def is_payroll_type(self, code: str) -> bool:
        """Whether a document type's code is one of payroll's."""
        return code.strip().upper() in {payroll.upper() for payroll in self._settings.payroll_document_types}

    def know_document_types(self, types: Mapping[int, str]) -> None:
        """Take document types in use that lines taken so far may not show."""
        if types:
            self._workbench.executemany("insert into fence.document_type values (?, ?)", list(types.items()))

    def document_types_taken(self) -> set[int]:
        """Ids of the document types that the rows taken so far show."""
        return set(
            self._ids(
                "select document_type_db_id from fence.gl where document_type_db_id is not null "
                "union select document_type_db_id from fence.ap where document_type_db_id is not null"
            )
        )

    def accounts(self, flag: Literal["is_pay", "is_balancing", "true"] = "true") -> list[int]:
        """Ids of the accounts that hold pay, or that balance a voucher, or of all that may be read."""
        return self._ids(f"select db_id from fence.account where {flag} order by db_id")

    def document_types_to_balance(self) -> list[int]:
        """Document types of the vouchers whose balancing lines have to be found."""
        self._judge()
        return self._ids(
            f"""
            select distinct document_type_db_id from (
                select document_type_db_id, document_type from fence.gl_judged
                semi join fence.pay_voucher using (owner_db_id, header_db_id)
                union all
                select document_type_db_id, document_type from fence.gl_judged
                semi join fence.payout_voucher using (owner_db_id, header_db_id)
                union all
                select document_type_db_id, document_type from fence.ap_judged
                semi join fence.payout_voucher using (owner_db_id, header_db_id)
            )
            where document_type_db_id is not null and document_type <> '{SUPPLIER_INVOICE}'
                and document_type_db_id not in (select document_type_db_id from fence.payroll_type)
            order by 1
            """
        )

    def match_groups(self) -> set[int]:
        """Ids of the match groups that hold payroll."""
        self._judge()
        return set(self._ids("select distinct match_id from fence.payroll_match"))

    def document_types_of_unbalanced_vouchers(self) -> list[int]:
        """Document types of the vouchers with pay lines that show no balancing line: all their lines have to be known."""
        self._judge()
        return self._ids(
            "select distinct document_type_db_id from fence.gl_judged "
            "semi join (select * from fence.pay_voucher where is_whole) as unbalanced using (owner_db_id, header_db_id) order by 1"
        )

    def has_lines_of(self, document_types: Sequence[int]) -> bool:
        """Whether any line taken so far has one of these document types."""
        taken = self._ids("select distinct document_type_db_id from fence.gl")
        return not set(taken).isdisjoint(document_types)

    def judge(self, *, is_whole_ledger: bool) -> None:
        """Run the rules; ``is_whole_ledger`` says whether all lines were pre-queried or only those in question.

        Raises:
            PayrollStop: what was read cannot be right (no payroll type though pay accounts are in use, unreadable types).
        """
        self._is_whole_ledger = is_whole_ledger
        with on_all_cores(self._workbench):
            self._judge()
            self._workbench.execute(_EXCLUDE_LINES)
            self._workbench.execute(_EXCLUDE_ITEMS)
            self._workbench.execute(_KNOW_DOCUMENT_TYPES)
            self._fail_closed()

    def _judge(self) -> None:
        self._workbench.execute(_JUDGE_LINES)
        self._workbench.execute(_JUDGE_VOUCHERS)
        self._workbench.execute(_JUDGE_ITEMS)

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
        items, typed_items = self._row("select count(*), count(document_type) from fence.ap_judged")
        if items and not typed_items:
            raise PayrollStop(
                "The token may not read the document type of any supplier-ledger item, so payroll cannot be told from the "
                "rest; tick read access for TransactionHeader and SystemValue, then run again. Nothing was published."
            )
        if on_pay_accounts and not of_payroll_type and not self._settings.no_payroll_expected:
            codes = ", ".join(self._settings.payroll_document_types)
            raise PayrollStop(
                f"{on_pay_accounts} lines stand on pay accounts but none has a payroll document type ({codes}); name the "
                "right ones in SOURCES__XLEDGER__PAYROLL_DOCUMENT_TYPES, or, if this company has no payroll in Xledger, set "
                "payroll.none_expected = true. Nothing was published."
            )

    def exclusions(self, root: str, id_filter: IdFilter, fence: int, wanted: str | None = None) -> Exclusions:
        """The exclusion set of a root; ``fence`` is the highest id that may be read, ``wanted`` a query for the ids to read.

        Without ``wanted`` all rows are read that are not payroll.
        """
        knows_accounts = root == TRANSACTIONS and not self._is_whole_ledger and id_filter.account_in is not None
        # Lines on an account that cannot be read are in no list of ids here: the accounts that can be are named instead.
        accounts = {str(id_filter.account_in): self.accounts()} if knows_accounts else {}
        return Exclusions(self._workbench, root, id_filter, fence, accounts, wanted)

    def evidence(self) -> Iterator[Evidence]:
        """Per root and rule: number of ids and SHA-256 over the sorted ids, one a line."""
        for root, table in EXCLUDED_TABLES.items():
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

    def seen(self, root: str) -> int | None:
        """Number of rows the pre-queries saw; None where they asked only for the rows in question."""
        if root == TRANSACTIONS and not self._is_whole_ledger:
            return None
        return int(self._row(f"select count(*) from {CENSUS_TABLES[root]}")[0])

    def excluded(self, root: str) -> int:
        """Number of rows left out."""
        return int(self._row(f"select count(*) from {EXCLUDED_TABLES[root]}")[0])

    def excluded_by_type(self, root: str) -> int:
        """Number of rows left out for their payroll document type."""
        return int(self._row(f"select count(*) from {EXCLUDED_TABLES[root]} where rule = 'type'")[0])

    @property
    def is_whole_ledger(self) -> bool:
        """Whether the pre-queries saw all lines, or only those in question."""
        return self._is_whole_ledger

    def remember_vouchers(self) -> None:
        """Note which vouchers hold or pay out pay by now, for `vouchers_handed_out_wrongly`."""
        self._workbench.execute(f"create or replace table fence.known_voucher as {_PAY_VOUCHERS}")

    def vouchers_handed_out_wrongly(self, table: str) -> int:
        """Vouchers of a raw table that were handed out and hold or pay out pay only since they were remembered."""
        return int(
            self._row(
                f"select count(*) from ({_PAY_VOUCHERS} except from fence.known_voucher) as voucher "
                f"semi join landed.{table} as landed "
                "on landed.owner_db_id = voucher.owner_db_id and landed.db_id = voucher.header_db_id"
            )[0]
        )

    def handed_out_wrongly(self, root: str, table: str) -> int:
        """Rows of a raw table that were handed out and that the rules, run again, leave out."""
        landed = f"select db_id from landed.{table}"
        return int(self._row(f"select count(*) from {EXCLUDED_TABLES[root]} where db_id in ({landed})")[0])

    def suppliers_to_ask_for(self) -> list[int]:
        """Suppliers' ids, without those that only payroll items name (staff, unions, collectors set up as suppliers)."""
        rows = self._workbench.execute(
            """
            with judged as (
                select
                    ap.subledger_db_id,
                    bool_and(coalesce(excluded.rule in ('type', 'voucher', 'match_group'), false)) as is_only_payroll
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
        sql, header = {TRANSACTIONS: (_GUARD_LINES, "header"), AP_TRANSACTIONS: (_GUARD_ITEMS, "transactionHeader")}[
            root
        ]
        if root == TRANSACTIONS and self._is_whole_ledger:
            sql += _GUARD_UNKNOWN_LINES

        def check(workbench: duckdb.DuckDBPyConnection) -> None:
            # With the page's bounds as constants, a page costs the same however many rows the ledger has.
            bounds = workbench.execute(
                f'select min("dbId"), max("dbId"), min("{header}.dbId"), max("{header}.dbId") from {PAGE}'
            ).fetchall()[0]
            lowest, highest, lowest_header, highest_header = (bound or 0 for bound in bounds)
            hits = workbench.execute(
                sql.format(
                    ids=f"between {lowest} and {highest}", headers=f"between {lowest_header} and {highest_header}"
                )
            ).fetchone()
            if hits and hits[0]:
                raise PayrollHit(root, hits[0])

        return check

    def _ids(self, sql: str) -> list[int]:
        return [row[0] for row in self._workbench.execute(sql).fetchall()]

    def _row(self, sql: str) -> tuple[Any, ...]:
        row = self._workbench.execute(sql).fetchone()
        assert row is not None  # noqa: S101
        return row


class Exclusions:
    """The ids of one root that no query may return, and the filters that say so."""

    def __init__(
        self,
        workbench: duckdb.DuckDBPyConnection,
        root: str,
        id_filter: IdFilter,
        fence: int,
        accounts: Mapping[str, Sequence[int]],
        wanted: str | None = None,
    ) -> None:
        self.root = root
        self._workbench = workbench
        self._id_filter = id_filter
        self._fence = fence
        self._wanted = wanted
        self._allowed = self._allowed_document_types() | dict(accounts)

    @property
    def leaves_out_by_window(self) -> bool:
        """Whether a query says what to leave out, in a range of ids; else it names the ids to read."""
        return self._wanted is None and self._id_filter.leaves_out_by_window

    def next_window(self, above: int, most_ids: int) -> tuple[FencedFilter, int] | None:
        """The filter for the next ids greater than ``above``, and the last id it reaches; None when all are read.

        No list is longer than ``most_ids``.
        """
        nothing_is_allowed = not all(self._allowed.values())
        if above >= self._fence or nothing_is_allowed:
            return None
        return self._leave_out(above, most_ids) if self.leaves_out_by_window else self._name(above, most_ids)

    def _leave_out(self, above: int, most_ids: int) -> tuple[FencedFilter, int]:
        ids = self._ids(
            f"select db_id from {EXCLUDED_TABLES[self.root]} where db_id > ? and db_id <= ? order by db_id limit ?",
            [above, self._fence, most_ids],
        )
        last = ids[-1] if len(ids) == most_ids else self._fence
        conditions = self._id_filter.above(above) | self._id_filter.up_to(last) | self._allowed
        probe: dict[str, Any] = {}
        if ids:
            exception = {str(self._id_filter.id_not_in): self._id_filter.values(ids)}
            conditions |= exception
            # The last of the list, and nothing else: a list that is cut or not looked at lets it through.
            probe = exception | self._id_filter.above(ids[-1] - 1) | self._id_filter.up_to(ids[-1])
        return FencedFilter(self, conditions, len(ids), probe), last

    def _name(self, above: int, most_ids: int) -> tuple[FencedFilter, int] | None:
        wanted = self._wanted or f"select db_id from {CENSUS_TABLES[self.root]}"
        ids = self._ids(
            f"select distinct db_id from ({wanted}) anti join {EXCLUDED_TABLES[self.root]} using (db_id) "
            "where db_id > ? and db_id <= ? order by db_id limit ?",
            [above, self._fence, most_ids],
        )
        if not ids:
            return None
        conditions = {str(self._id_filter.id_in): self._id_filter.values(ids)} | self._allowed
        probe = {str(self._id_filter.id_in): self._id_filter.values(ids[:1])}
        return FencedFilter(self, conditions, len(ids), probe, frozenset(ids[:1])), ids[-1]

    def _allowed_document_types(self) -> dict[str, Any]:
        """The positive filter on document type rides along, so that the server leaves out a line re-typed during the run."""
        if self._id_filter.document_type_in is None:
            return {}
        known = "fence.document_type" if self.root == TRANSACTIONS else "fence.ap"
        db_id = "db_id" if self.root == TRANSACTIONS else "document_type_db_id"
        types = self._ids(
            f"select distinct {db_id} from {known} where {db_id} is not null "
            f"and {db_id} not in (select document_type_db_id from fence.payroll_type) order by 1",
            [],
        )
        return {self._id_filter.document_type_in: types}

    def _ids(self, sql: str, parameters: Sequence[Any]) -> list[int]:
        return [row[0] for row in self._workbench.execute(sql, parameters).fetchall()]


# Texts are read once each, and what a row is by itself is looked at a few times: cheaper than to keep it of millions.
_JUDGE_LINES = f"""
create or replace table fence.type_judged as
select
    document_type,
    coalesce(upper(trim(document_type)) in (select code from fence.payroll_code), false) as is_payroll_type
from (select document_type from fence.gl union select document_type from fence.ap);

create or replace view fence.gl_judged as
select
    gl.*,
    coalesce(type_judged.is_payroll_type, false) as is_payroll_type,
    coalesce(account.is_pay and gl.document_type <> '{SUPPLIER_INVOICE}', false) as is_pay_line,
    coalesce(account.is_balancing, false) as is_balancing,
    coalesce(account.is_tax, false) as is_tax,
    gl.header_db_id is null or gl.document_type is null or account.db_id is null as is_unreadable
from fence.gl as gl
left join fence.account as account on account.db_id = gl.account_db_id
left join fence.type_judged as type_judged on type_judged.document_type = gl.document_type;
"""

_KNOW_DOCUMENT_TYPES = """
insert into fence.document_type
select distinct document_type_db_id as db_id, document_type as code from fence.gl where document_type_db_id is not null;
"""

_JUDGE_VOUCHERS = f"""
create or replace table fence.payroll_type as
select distinct document_type_db_id from fence.gl_judged where is_payroll_type and document_type_db_id is not null;

create or replace table fence.pay_voucher as
select
    owner_db_id,
    header_db_id,
    not bool_or(is_balancing and not is_pay_line and not is_tax) and any_value(document_type) <> '{EXPENSE_REPORT}' as is_whole
from fence.gl_judged
semi join (
    select owner_db_id, header_db_id from fence.gl_judged where is_pay_line and not is_payroll_type
) as paid using (owner_db_id, header_db_id)
where not is_payroll_type
group by all;
"""

_JUDGE_ITEMS = f"""
create or replace table fence.ledger_type as
select
    ledger_type_code,
    ledger_type_name,
    regexp_matches(upper(concat_ws(' ', ledger_type_code, ledger_type_name)), '{_EMPLOYEE_LEDGER}') as is_employee,
    regexp_matches(upper(concat_ws(' ', ledger_type_code, ledger_type_name)), '{_SUPPLIER_LEDGER}') as is_supplier
from fence.ap group by all;

create or replace table fence.holder as
with holders as (
    select db_id, true as is_among_suppliers, '' as ledger_type from fence.supplier
    union all
    select db_id, false as is_among_suppliers, upper(ledger_type_name) as ledger_type from fence.subledger
)
select
    db_id,
    coalesce(bool_or(regexp_matches(ledger_type, '{_EMPLOYEE_LEDGER}')), false) as is_employee,
    bool_or(is_among_suppliers)
    or coalesce(bool_or(regexp_matches(ledger_type, '{_SUPPLIER_LEDGER}')), false) as is_supplier
from holders group by db_id;

create or replace view fence.ap_judged as
select
    ap.*,
    coalesce(type_judged.is_payroll_type, false) as is_payroll_type,
    ledger_type.is_employee
    or coalesce(holder.is_employee, false)
    or not (ledger_type.is_supplier or coalesce(holder.is_supplier, false)) as is_employee,
    ap.header_db_id is null or ap.document_type is null or ap.subledger_db_id is null as is_unreadable
from fence.ap as ap
left join fence.type_judged as type_judged on type_judged.document_type = ap.document_type
left join fence.ledger_type as ledger_type
    on ledger_type.ledger_type_code is not distinct from ap.ledger_type_code
    and ledger_type.ledger_type_name is not distinct from ap.ledger_type_name
left join fence.holder as holder on holder.db_id = ap.subledger_db_id;

-- Pay posted through an open item: a voucher with pay lines that is itself no payment, so what settles it pays it out.
create or replace table fence.pay_posting as
select distinct owner_db_id, header_db_id from fence.gl_judged
semi join fence.pay_voucher using (owner_db_id, header_db_id)
where document_type not in ('{BANK_VOUCHER}', '{EXPENSE_REPORT}');

create or replace table fence.payroll_match as
select owner_db_id, match_id from fence.gl_judged where match_id <> 0 and (is_payroll_type or is_pay_line)
union
select owner_db_id, match_id from fence.ap_judged where match_id <> 0 and is_payroll_type
union
select owner_db_id, match_id from fence.gl_judged
semi join fence.pay_posting using (owner_db_id, header_db_id) where match_id <> 0 and is_balancing
union
select owner_db_id, match_id from fence.ap_judged
semi join fence.pay_posting using (owner_db_id, header_db_id) where match_id <> 0;

insert into fence.payroll_type
select distinct document_type_db_id from fence.ap_judged where is_payroll_type and document_type_db_id is not null;

create or replace table fence.payout_voucher as
select owner_db_id, header_db_id from fence.ap_judged
semi join fence.payroll_match using (owner_db_id, match_id)
where not is_payroll_type and document_type <> '{SUPPLIER_INVOICE}'
union
select owner_db_id, header_db_id from fence.gl_judged
semi join fence.payroll_match using (owner_db_id, match_id)
where not is_payroll_type and document_type <> '{SUPPLIER_INVOICE}';
"""

_PAY_VOUCHERS = """
    select owner_db_id, header_db_id from fence.pay_voucher
    union select owner_db_id, header_db_id from fence.payout_voucher
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
    or "dbId" in (select db_id from fence.gl_excluded where db_id {{ids}})
    or (
        (account.is_balancing and "header.transactionSource.code" <> '{SUPPLIER_INVOICE}')
        and "header.dbId" in (
            select header_db_id from fence.pay_voucher where header_db_id {{headers}}
            union all
            select header_db_id from fence.payout_voucher where header_db_id {{headers}}
        )
    )
"""

_GUARD_UNKNOWN_LINES = """
    or "dbId" not in (select db_id from fence.gl where db_id {ids})
"""

_GUARD_ITEMS = f"""
select count(*)
from {PAGE}
where "transactionHeader.dbId" is null
    or "transactionHeader.transactionSource.code" is null
    or upper(trim("transactionHeader.transactionSource.code")) in (select code from fence.payroll_code)
    or regexp_matches(upper(concat_ws(' ', "ledgerType.code", "ledgerType.name")), '{_EMPLOYEE_LEDGER}')
    or "dbId" in (select db_id from fence.ap_excluded where db_id {{ids}})
    or "dbId" not in (select db_id from fence.ap where db_id {{ids}})
    or "subledgerDbId" is null
    or (
        "subledgerDbId" not in (select db_id from fence.supplier)
        and not regexp_matches(upper(concat_ws(' ', "ledgerType.code", "ledgerType.name")), '{_SUPPLIER_LEDGER}')
        and "subledgerDbId" not in (
            select db_id from fence.subledger where regexp_matches(upper(ledger_type_name), '{_SUPPLIER_LEDGER}')
        )
    )
    or "transactionHeader.dbId" in (select header_db_id from fence.pay_voucher where header_db_id {{headers}})
    or ("matchId" <> 0 and ("ownerDbId", "matchId") in (select (owner_db_id, match_id) from fence.payroll_match))
"""
