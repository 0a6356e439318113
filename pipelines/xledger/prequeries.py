"""The pre-queries of the payroll fence: which ids are payroll, told from ids, document types and accounts alone.

Where the live schema can filter by document type and account, only the lines in question are asked for; otherwise, or as
soon as an answer shows that a filter is not honoured or a document type is unknown, the ids of all lines are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.xledger import entities
from pipelines.xledger.asking import LEDGER_OWNERS, REGISTER_VARIABLES, Access, Asked, Asking, IdLists
from pipelines.xledger.capabilities import IdFilter
from pipelines.xledger.census import ChangedRows
from pipelines.xledger.changes import ChangedIds
from pipelines.xledger.errors import PayrollStop, QueryTimedOut, RequestTooLarge
from pipelines.xledger.kept import Kept
from pipelines.xledger.landing import Page, Rows, Split
from pipelines.xledger.payroll import AP_TRANSACTIONS, SUPPLIER_INVOICE, TRANSACTIONS, FencedFilter, PayrollFence
from pipelines.xledger.tables import Column, Kind, Table

_KEYS = (Column("owner_db_id", Kind.ID, ("ownerDbId",)), Column("db_id", Kind.ID, ("dbId",)))


def _document_type(*voucher: str) -> tuple[Column, ...]:
    return (
        Column("document_type_db_id", Kind.ID, (*voucher, "transactionSource", "dbId")),
        Column("document_type", Kind.TEXT, (*voucher, "transactionSource", "code")),
    )


def _rows(name: str, *columns: Column) -> Rows:
    return Rows((Split(Table(name, "", (*_KEYS, *columns))),))


LINES = _rows(
    "census_gl",
    Column("header_db_id", Kind.ID, ("header", "dbId")),
    Column("account_db_id", Kind.ID, ("accountDbId",)),
    Column("match_id", Kind.ID, ("matchId",)),
    *_document_type("header"),
)
ITEMS = _rows(
    "census_ap",
    Column("header_db_id", Kind.ID, ("transactionHeader", "dbId")),
    Column("subledger_db_id", Kind.ID, ("subledgerDbId",)),
    Column("match_id", Kind.ID, ("matchId",)),
    *_document_type("transactionHeader"),
    Column("ledger_type_code", Kind.TEXT, ("ledgerType", "code")),
    Column("ledger_type_name", Kind.TEXT, ("ledgerType", "name")),
)
SUPPLIERS = _rows("census_supplier")
VOUCHERS = _rows("census_voucher", *_document_type())
HIGHEST = {TRANSACTIONS: _rows("census_highest_line"), AP_TRANSACTIONS: _rows("census_highest_item")}
PROBED = _rows("census_probe")

_HIGHEST_DOCUMENTS = {TRANSACTIONS: "highest_transaction", AP_TRANSACTIONS: "highest_ap_transaction"}
_ID_DOCUMENTS = {TRANSACTIONS: "payroll_transactions", AP_TRANSACTIONS: "payroll_ap_transactions"}
_FENCE_TABLES = {TRANSACTIONS: "gl", AP_TRANSACTIONS: "ap"}
_CENSUS_ROWS = {TRANSACTIONS: LINES, AP_TRANSACTIONS: ITEMS}
_CENSUS = {census.splits[0].table.name for census in (LINES, ITEMS, SUPPLIERS, VOUCHERS)}


_MATCH_FILTER = "matchId_in"


class _FiltersFail(Exception):
    """The filters cannot be relied on: ask for all ids."""


@dataclass(frozen=True)
class _Look:
    """One row asked for behind the last page of a pre-query: there must be none, up to the fence where the root has one."""

    access: Access
    asked: Asked
    fence: int | None

    @property
    def ids_named(self) -> int:
        """How many ids its filter lists."""
        return sum(len(value) for value in self.asked.variables["filter"].values() if isinstance(value, list))


class PreQueries:
    """Fills a `PayrollFence`. ``registers`` keeps the raw tables that came along, for the read to hand out.

    ``continues_last_census`` says whether what the fence knows is the last read's census, but for what changed since.
    """

    def __init__(self, asking: Asking, fence: PayrollFence, changed: ChangedRows, id_lists: IdLists) -> None:
        self._asking = asking
        self._fence = fence
        self._changed = changed
        self._id_lists = id_lists
        self._looks: list[_Look] = []
        self._gathers_looks = True
        self.registers: dict[str, list[pa.Table]] = {}
        self.continues_last_census = False

    def note_highest_ids(self, accesses: Sequence[Access]) -> None:
        """The fence in time: no read of this run goes above these ids."""
        for access in accesses:
            newest = [
                Asked(document_name, HIGHEST[root], {"last": 1, "ownerSet": LEDGER_OWNERS})
                for root, document_name in _HIGHEST_DOCUMENTS.items()
            ]
            pages = self._asking.first_pages(access, newest)
            for root, asked, page in zip(_HIGHEST_DOCUMENTS, newest, pages, strict=True):
                page = page or self._asking.once(access, asked.document_name, asked.rows, asked.variables)
                ((name, rows),) = page.tables.items()
                access.highest[root] = max(rows.column("db_id").to_pylist(), default=0)
                self._asking.landing.forget(name)

    def run(self, accesses: Sequence[Access], *, ask_for_all: bool = False) -> None:
        """Start from nothing, ask, and judge; ``ask_for_all``: trust no filter.

        Raises:
            PayrollStop: what came cannot be right.
        """
        self.continues_last_census = False
        self._start(accesses)
        # A whole ledger takes a while, in which rows may come to where it was read to the end.
        self._gathers_looks = False
        self._look_behind()
        for access in accesses:
            self._items(access)
        if not ask_for_all:
            try:
                were_whole = [self._lines_in_question(access) for access in accesses]
                self.judge(is_whole_ledger=all(were_whole))
            except (_FiltersFail, RequestTooLarge, QueryTimedOut):
                self._fence.forget_lines()
                self._asking.landing.forget("census_gl")
            else:
                return
        for access in accesses:
            self._take_lines(access, {})
        self.judge(is_whole_ledger=True)

    def update(self, accesses: Sequence[Access], kept: Kept, changed: ChangedIds) -> None:
        """Start from the last read's census, ask for what changed since, and judge all of it.

        Raises:
            PayrollStop: what came cannot be right.
        """
        if not kept.standing.has_whole_census:
            self.run(accesses, ask_for_all=True)
            self.follow(accesses, changed)
            self.judge(is_whole_ledger=True)
            return
        self._start(accesses)
        unsettled = kept.take_census()
        self.continues_last_census = True
        self.follow(accesses, {root: ids | unsettled[root] for root, ids in changed.items()})
        self.judge(is_whole_ledger=True)

    def judge(self, *, is_whole_ledger: bool) -> None:
        """See that no pre-query was cut short, and only then run the rules.

        Raises:
            PayrollStop: what came cannot be right.
        """
        self._look_behind()
        self._fence.judge(is_whole_ledger=is_whole_ledger)

    def follow(self, accesses: Sequence[Access], changed: ChangedIds, *, is_fenced: bool = True) -> None:
        """Bring the census up to date for these ids and for the vouchers they stand in, up to the fence or beyond it."""
        self._changed.add(changed)
        while ids := self._changed.take_out():
            for census in (LINES, ITEMS):
                self._asking.landing.forget(census.splits[0].table.name)
            for access in accesses:
                self._take_by_ids(access, ids, is_fenced=is_fenced)

    def _take_by_ids(self, access: Access, ids: Mapping[str, Sequence[int]], *, is_fenced: bool) -> None:
        """Lines and items with these ids; those of short lists in one request."""
        most = min(self._id_lists.most_ids, self._asking.page_size.rows)
        short = {root: self._with_ids(access, root, ids[root], is_fenced) for root in ids if 0 < len(ids[root]) <= most}
        begun = dict(zip(short, self._asking.first_pages(access, list(short.values())), strict=True))
        for root in ids:

            def ask(chunk: Sequence[int], root: str = root) -> Iterator[pa.Table]:
                asked = self._with_ids(access, root, chunk, is_fenced)
                return self._rows_of(access, root, asked, begun.get(root), is_fenced)

            for rows in self._id_lists.ask(ids[root], self._asking.page_size.rows, ask):
                self._fence.take(_FENCE_TABLES[root], rows)

    def _with_ids(self, access: Access, root: str, ids: Sequence[int], is_fenced: bool) -> Asked:
        id_filter = access.capabilities.id_filter(root)
        conditions = {str(id_filter.id_in): id_filter.values(ids)}
        if is_fenced:
            conditions |= self._up_to_fence(access, root)
        return Asked(_ID_DOCUMENTS[root], _CENSUS_ROWS[root], {"ownerSet": LEDGER_OWNERS, "filter": conditions})

    def _start(self, accesses: Sequence[Access]) -> None:
        self._gathers_looks = True
        self._fence.forget()
        for name in ("account", "subledger", *_CENSUS):
            self._asking.landing.forget(name)
            self.registers.pop(name, None)
        for access in accesses:
            self._registers(access)
        for accounts in self.registers.get("account", []):
            self._fence.take_accounts(accounts)

    def _registers(self, access: Access) -> None:
        # Owners say more where they come with their entity than with an account, and the first to come stays.
        several = [Asked("entities", entities.ENTITY_ROWS, REGISTER_VARIABLES)] if access.may_read_entities else []
        several += [
            Asked("accounts", entities.ACCOUNT_ROWS, REGISTER_VARIABLES),
            Asked("subledgers", entities.SUBLEDGER_ROWS, REGISTER_VARIABLES),
            Asked("supplier_ids", SUPPLIERS, REGISTER_VARIABLES),
        ]
        firsts = self._asking.first_pages(access, several)
        for asked, first in zip(several, firsts, strict=True):
            for page in self._to_the_end(access, asked, first):
                match asked.document_name:
                    case "supplier_ids":
                        self._fence.take("supplier", page.tables["census_supplier"])
                    case "subledgers":
                        self._fence.take("subledger", page.tables["subledger"])
                        self._keep(page.tables)
                    case _:
                        self._keep(page.tables)

    def _to_the_end(self, access: Access, asked: Asked, first: Page | None = None) -> Iterator[Page]:
        """All pages, and a look behind the last one, if not at once then before the rules run: what a pre-query cut short has
        not seen would come with the data."""
        last = None
        for page in self._asking.from_first_page(access, asked, first):
            last = page
            yield page
        if last is not None:
            self._look_later(access, asked, last)

    def _look_later(self, access: Access, asked: Asked, last: Page) -> None:
        if last.end_cursor is None:
            return
        behind = replace(asked, variables={"filter": {}, **asked.variables, "first": 1, "after": last.end_cursor})
        root = next((root for root, name in _ID_DOCUMENTS.items() if name == asked.document_name), None)
        self._looks.append(_Look(access, behind, None if root is None else access.highest[root]))
        if not self._gathers_looks:
            self._look_behind()

    def _look_behind(self) -> None:
        """Look behind the pre-queries asked so far, as many in one request as name no more ids than one page has rows."""
        looks, self._looks = self._looks, []
        for access, together in _in_batches(looks, self._asking.page_size.rows):
            pages = self._asking.first_pages(access, [look.asked for look in together])
            for look, page in zip(together, pages, strict=True):
                asked = look.asked
                page = page or self._asking.once(access, asked.document_name, asked.rows, asked.variables)
                ids = next(iter(page.tables.values())).column("db_id").to_pylist()
                if any(look.fence is None or db_id <= look.fence for db_id in ids):
                    raise PayrollStop(
                        f"The pre-query {asked.document_name} ended before its end: the API held rows back, and payroll could "
                        "be among them. Nothing was published; run again later."
                    )

    def refuse_leaking_filter(self, access: Access, fenced: FencedFilter) -> None:
        """See, with ids alone, that the API honours an exclusion before it is relied on.

        Raises:
            PayrollStop: an id came that the filter leaves out.
        """
        if not fenced.probe:
            return
        self._asking.landing.forget("census_probe")
        variables = {"first": 2, "ownerSet": LEDGER_OWNERS, "filter": fenced.probe}
        page = self._asking.once(access, _ID_DOCUMENTS[fenced.root], PROBED, variables)
        if not set(page.tables["census_probe"]["db_id"].to_pylist()) <= fenced.probe_ids:
            raise PayrollStop(
                f"{fenced.root}: the API answers with rows that the query leaves out, so payroll cannot be kept out; no "
                "data were asked for and nothing was published. Report it."
            )

    def _keep(self, tables: Mapping[str, pa.Table]) -> None:
        for name, table in tables.items():
            self.registers.setdefault(name, []).append(table)

    def _items(self, access: Access) -> None:
        for rows in self._below_fence(access, AP_TRANSACTIONS, "payroll_ap_transactions", ITEMS, {}):
            self._fence.take("ap", rows)

    def _take_lines(self, access: Access, conditions: Mapping[str, Any]) -> pa.Table:
        taken = [LINES.splits[0].table.arrow_schema.empty_table()]
        for rows in self._below_fence(access, TRANSACTIONS, "payroll_transactions", LINES, conditions):
            self._fence.take("gl", rows)
            if conditions:
                taken.append(rows)
        return pa.concat_tables(taken)

    def _below_fence(
        self, access: Access, root: str, document_name: str, rows: Rows, conditions: Mapping[str, Any]
    ) -> Iterator[pa.Table]:
        variables = {"ownerSet": LEDGER_OWNERS, "filter": {**conditions, **self._up_to_fence(access, root)}}
        return self._rows_of(access, root, Asked(document_name, rows, variables), None, is_fenced=True)

    def _up_to_fence(self, access: Access, root: str) -> Mapping[str, Any]:
        id_filter = access.capabilities.id_filter(root)
        return id_filter.up_to(access.highest[root]) if id_filter.has_ranges else {}

    def _rows_of(
        self, access: Access, root: str, asked: Asked, first: Page | None, is_fenced: bool
    ) -> Iterator[pa.Table]:
        for page in self._to_the_end(access, asked, first):
            (table,) = page.tables.values()
            yield table.filter(pc.field("db_id") <= access.highest[root]) if is_fenced else table

    def _lines_in_question(self, access: Access) -> bool:
        """Lines of payroll types, lines on pay accounts, and the balancing lines of their vouchers.

        True where the first page already was the whole ledger.

        Raises:
            _FiltersFail: the schema lacks a filter, or an answer shows that one is not honoured.
        """
        id_filter = access.capabilities.id_filter(TRANSACTIONS)
        if not (id_filter.leaves_out_by_window and id_filter.document_type_in and id_filter.account_in):
            raise _FiltersFail
        if self._take_first_page(access):
            return True
        self._refuse_long_lists(access, id_filter)
        types = self._document_types(access)
        payroll = [db_id for db_id, code in types.items() if self._fence.is_payroll_type(code)]
        no_invoice = [db_id for db_id, code in types.items() if code != SUPPLIER_INVOICE and db_id not in payroll]
        self._take_filtered(access, id_filter, payroll, None)
        self._take_filtered(access, id_filter, no_invoice, self._fence.accounts("is_pay"))
        self._take_payouts_and_balancing_lines(access, id_filter)
        self._take_filtered(access, id_filter, self._fence.document_types_of_unbalanced_vouchers(), None)
        return False

    def _take_payouts_and_balancing_lines(self, access: Access, id_filter: IdFilter) -> None:
        """Lines matched with payroll, and the balancing lines of all vouchers in question; each may lead to the other."""
        balancing = self._fence.accounts("is_balancing")
        matched: set[int] = set()
        balanced: set[int] = set()
        while True:
            groups = self._fence.match_groups() - matched
            self._take_matched(access, sorted(groups))
            types = set(self._fence.document_types_to_balance()) - balanced
            self._take_filtered(access, id_filter, sorted(types), balancing)
            if not groups and not types:
                return
            matched |= groups
            balanced |= types

    def _take_matched(self, access: Access, groups: Sequence[int]) -> None:
        if groups and not access.capabilities.has_filter(TRANSACTIONS, _MATCH_FILTER):
            raise _FiltersFail
        most = self._asking.page_size.rows
        for start in range(0, len(groups), most):
            asked = list(groups[start : start + most])
            lines = self._take_lines(access, {_MATCH_FILTER: asked})
            if not set(lines["match_id"].to_pylist()) <= set(asked):
                raise _FiltersFail

    def _take_first_page(self, access: Access) -> bool:
        """The ids of the oldest lines, as a sample of the document types; True where that is the whole ledger."""
        id_filter = access.capabilities.id_filter(TRANSACTIONS)
        variables = {
            "first": self._asking.page_size.rows,
            "ownerSet": LEDGER_OWNERS,
            "filter": id_filter.up_to(access.highest[TRANSACTIONS]),
        }
        page = self._asking.once(access, "payroll_transactions", LINES, variables)
        self._fence.take("gl", page.tables["census_gl"])
        if not page.has_next_page:
            self._look_later(access, Asked("payroll_transactions", LINES, variables), page)
        return not page.has_next_page

    def _refuse_long_lists(self, access: Access, id_filter: IdFilter) -> None:
        """The data queries will name every account: see that the API takes a list of that length.

        Raises:
            RequestTooLarge: it does not.
        """
        conditions = {str(id_filter.account_in): self._fence.accounts()} | id_filter.up_to(0)
        variables = {"first": 1, "ownerSet": LEDGER_OWNERS, "filter": conditions}
        self._asking.once(access, "payroll_transactions", LINES, variables)

    def _document_types(self, access: Access) -> dict[int, str]:
        """All document types in use, by voucher; checked against those that the rows taken so far show."""
        if not access.capabilities.has_root("journalHeaders"):
            raise _FiltersFail
        types: dict[int, str] = {}
        asked = Asked("document_types", VOUCHERS, {"ownerSet": LEDGER_OWNERS})
        for page in self._to_the_end(access, asked):
            vouchers = page.tables["census_voucher"]
            pairs = zip(vouchers["document_type_db_id"].to_pylist(), vouchers["document_type"].to_pylist(), strict=True)
            types.update((db_id, code) for db_id, code in pairs if db_id is not None and code is not None)
        if not types or not self._fence.document_types_taken() <= types.keys():
            raise _FiltersFail
        self._fence.know_document_types(types)
        return types

    def _take_filtered(
        self, access: Access, id_filter: IdFilter, types: Sequence[int], accounts: Sequence[int] | None
    ) -> None:
        if not types or accounts == []:
            return
        conditions: dict[str, Any] = {str(id_filter.document_type_in): list(types)}
        if accounts is not None:
            conditions[str(id_filter.account_in)] = list(accounts)
        lines = self._take_lines(access, conditions)
        came_types = set(lines["document_type_db_id"].to_pylist())
        came_accounts = set(lines["account_db_id"].to_pylist())
        if not came_types <= set(types) or (accounts is not None and not came_accounts <= set(accounts)):
            raise _FiltersFail
        if accounts is None and not self._fence.has_lines_of(types):
            # Vouchers of these types exist, yet the filter finds none of their lines.
            raise _FiltersFail


def _in_batches(looks: Sequence[_Look], most_ids: int) -> Iterator[tuple[Access, list[_Look]]]:
    """The looks of each token, in groups of one or more that together name no more ids than these."""
    group: list[_Look] = []
    for look in looks:
        named = sum(other.ids_named for other in group) + look.ids_named
        if group and (look.access is not group[0].access or named > most_ids):
            yield group[0].access, group
            group = []
        group.append(look)
    if group:
        yield group[0].access, group
