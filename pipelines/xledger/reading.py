"""One full read of everything the tokens reach, in the order that keeps payroll out: fence, pre-queries, data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.xledger import census, entities
from pipelines.xledger.capabilities import Capabilities, Operation
from pipelines.xledger.client import Client, Request
from pipelines.xledger.documents import document
from pipelines.xledger.errors import ApiFailed, PayrollHit, PayrollStop, RequestTooLarge
from pipelines.xledger.landing import Guard, Landing, Page, Rows
from pipelines.xledger.paging import PageSize, pages
from pipelines.xledger.payroll import AP_TRANSACTIONS, LEDGER_ROOTS, TRANSACTIONS, FencedFilter, PayrollFence
from pipelines.xledger.settings import Settings

Tables = Mapping[str, pa.Table]

_LEDGER_DOCUMENTS = {TRANSACTIONS: "transactions", AP_TRANSACTIONS: "ap_transactions"}
_LEDGER_ROWS = {TRANSACTIONS: entities.TRANSACTION_ROWS, AP_TRANSACTIONS: entities.AP_TRANSACTION_ROWS}

# What the token owns or reaches: its own company and those below it.
_LEDGER_OWNERS = "MINE"
# Registers may be shared from above, so everything visible is read.
_REGISTER_VARIABLES = {"ownerSet": "ALL", "objectStatus": "ALL"}
# Object kinds that hold people are never asked for.
_PEOPLE = ("EMPLOY", "ANSATT", "ANSTÄLL", "MEDARB", "PERSON", "PAYROLL", "WAGE", "SALAR", "LØNN", "LÖN")
_TAX_RULE_KIND = 14
_FEEDS = (
    ("transaction_deltas", "transaction_deltas", entities.DELTA_ROWS),
    ("recent_transactions", "recentTransactions", entities.RECENT_ROWS),
)


@dataclass
class Access:
    """One token: its client, what the live schema offers it, and the highest id of each ledger root when the run began."""

    name: str
    client: Client
    capabilities: Capabilities
    may_read_entities: bool = False
    highest: dict[str, int] = field(default_factory=dict)


@dataclass
class Progress:
    """What has been read so far of one raw table."""

    rows: int = 0
    pages: int = 0


class LedgerReader:
    """Reads all entities for all tokens; every method that reads data gives Arrow tables by raw table name."""

    def __init__(
        self,
        settings: Settings,
        accesses: Sequence[Access],
        workbench: duckdb.DuckDBPyConnection,
        salt: str,
        report: Callable[[str, Progress], None],
    ) -> None:
        self._settings = settings
        self._accesses = accesses
        self._workbench = workbench
        self._landing = Landing(workbench, salt)
        self._page_size = PageSize(settings.page_size)
        self._most_ids = settings.max_ids_per_query
        self._report = report
        self._has_refreshed = False
        self._registers: dict[str, list[pa.Table]] = defaultdict(list)
        self.fence = PayrollFence(workbench, settings)
        self.progress: dict[str, Progress] = defaultdict(Progress)
        self.dropped_fields: set[str] = set()

    def prepare(self) -> None:
        """Note the highest ids, read the registers that the rules need, run the pre-queries and the rules."""
        for access in self._accesses:
            access.highest = {root: self._highest_id(access, root) for root in LEDGER_ROOTS}
        self._pre_query()

    def _pre_query(self) -> None:
        self.fence.forget()
        for name in ("account", "subledger", "census_supplier", "census_gl", "census_ap"):
            self._landing.forget(name)
            self._registers.pop(name, None)
        for access in self._accesses:
            self._take_registers(access)
            for root in LEDGER_ROOTS:
                self._take_census(access, root)
        for accounts in self._registers["account"]:
            self.fence.take_accounts(accounts)
        self.fence.judge()

    def _take_registers(self, access: Access) -> None:
        if access.may_read_entities:
            for page in self._register(access, "entities", entities.ENTITY_ROWS):
                self._keep(page)
        for page in self._register(access, "accounts", entities.ACCOUNT_ROWS):
            self._keep(page)
        for page in self._register(access, "subledgers", entities.SUBLEDGER_ROWS):
            self._keep(page)
            self.fence.take("subledger", page.tables["subledger"])
        for page in self._register(access, "supplier_ids", census.SUPPLIER_ID_ROWS):
            self.fence.take("supplier", page.tables["census_supplier"])

    def _take_census(self, access: Access, root: str) -> None:
        operation = self._fit(access, census.CENSUS_DOCUMENTS[root])
        rows = census.CENSUS_ROWS[root]
        id_filter = access.capabilities.id_filter(root)
        conditions = id_filter.up_to(access.highest[root]) if id_filter.has_ranges else {}
        variables = {"ownerSet": _LEDGER_OWNERS, "filter": conditions}
        name = census.CENSUS_NAMES[root]
        for page in self._pages(access, operation, variables, rows):
            self.fence.take(name, page.tables[f"census_{name}"])

    def _highest_id(self, access: Access, root: str) -> int:
        operation = self._fit(access, census.HIGHEST_DOCUMENTS[root])
        variables = {"last": 1, "ownerSet": _LEDGER_OWNERS}
        accept = partial(self._landing.land, operation=operation, rows=census.HIGHEST_ROWS)
        page: Page = access.client.execute(Request(operation.name, operation.text, variables), accept)
        ids = page.tables["census_highest"].column("db_id").to_pylist()
        self._landing.forget("census_highest")
        return max(ids, default=0)

    def ledger(self, root: str) -> Iterator[Tables]:
        """All rows of `transactions` or `apTransactions` that are not payroll.

        Raises:
            PayrollStop: a forbidden row came back twice.
            ApiFailed: rows that the pre-query saw did not come.
        """
        for access in self._accesses:
            yield from self._ledger_of(access, root)
        self._check_complete(root)

    def _ledger_of(self, access: Access, root: str) -> Iterator[Tables]:
        operation = self._fit(access, _LEDGER_DOCUMENTS[root])
        id_filter = access.capabilities.id_filter(root)
        above = -1
        exclusions = self.fence.exclusions(root, id_filter, access.highest[root])
        while window := exclusions.next_window(above, self._ids_in_a_list(exclusions.names_what_to_leave_out)):
            fenced, last = window
            try:
                yield from self._ledger_pages(access, operation, root, fenced)
            except RequestTooLarge:
                if fenced.ids <= 1:
                    raise
                self._most_ids = max(1, fenced.ids // 2)
                continue
            except PayrollHit:
                self._refresh()
                exclusions = self.fence.exclusions(root, id_filter, access.highest[root])
                continue
            above = last

    def _ids_in_a_list(self, names_what_to_leave_out: bool) -> int:
        return self._most_ids if names_what_to_leave_out else min(self._most_ids, self._page_size.rows)

    def _ledger_pages(self, access: Access, operation: Operation, root: str, fenced: FencedFilter) -> Iterator[Tables]:
        variables = {"ownerSet": _LEDGER_OWNERS, "filter": fenced.conditions}
        for page in self._pages(access, operation, variables, _LEDGER_ROWS[root], self.fence.guard(root)):
            yield page.tables

    def _refresh(self) -> None:
        """A forbidden row came back: read the exclusion sets anew, once."""
        if self._has_refreshed:
            raise PayrollStop(
                "Payroll rows came back from the API although the query left them out, twice; the run stopped, they were "
                "kept nowhere, and nothing was published. Run again later; if it stays, check the payroll settings."
            )
        self._has_refreshed = True
        self._pre_query()

    def _check_complete(self, root: str) -> None:
        missing = self.fence.seen(root) - self.fence.excluded(root) - self.received(root)
        if missing:
            raise ApiFailed(
                f"{root}: {missing} rows that the pre-query saw did not come, or came unasked; the ledger may have "
                "changed during the run. Nothing was published; run again."
            )

    def received(self, root: str) -> int:
        """Rows handed out so far."""
        return self._landing.handed_out(_LEDGER_ROWS[root].splits[0].table.name)

    def registers(self) -> Iterator[Tables]:
        """Accounts, subledgers, owners, suppliers and what they point at, dimensions, countries and currencies."""
        for name, kept in self._registers.items():
            yield from ({name: table} for table in kept)
        for access in self._accesses:
            yield from self._suppliers(access)
            yield from self._dimensions(access)
            yield from self._tables(self._register(access, "countries", entities.COUNTRY_ROWS))
            yield from self._tables(self._register(access, "currencies", entities.CURRENCY_ROWS))

    def _suppliers(self, access: Access) -> Iterator[Tables]:
        companies: set[int] = set()
        contacts: set[int] = set()
        for page in self._by_ids(access, "suppliers", entities.SUPPLIER_ROWS, self.fence.suppliers_to_ask_for()):
            supplier = page.tables["supplier"]
            companies |= set(supplier.column("company_db_id").drop_null().to_pylist())
            contacts |= set(supplier.column("contact_db_id").drop_null().to_pylist())
            yield page.tables
        yield from self._tables(self._by_ids(access, "companies", entities.COMPANY_ROWS, sorted(companies)))
        yield from self._tables(self._by_ids(access, "contacts", entities.CONTACT_ROWS, sorted(contacts)))

    def _dimensions(self, access: Access) -> Iterator[Tables]:
        setup = self._fit(access, "setup")
        accept = partial(self._landing.land, operation=setup, rows=entities.OBJECT_ROWS)
        page: Page = access.client.execute(Request(setup.name, setup.text), accept)
        self._note(page)
        yield page.tables
        kinds = {
            row["object_kind_db_id"]: row["object_kind_name"] or ""
            for row in page.tables["object"].to_pylist()
            if row["object_kind_db_id"] is not None
        }
        for kind, name in sorted(({_TAX_RULE_KIND: "TAX_RULE"} | kinds).items()):
            if not any(word in name.upper() for word in _PEOPLE):
                conditions = {"objectKindDbId": kind}
                yield from self._tables(self._register(access, "object_values", entities.OBJECT_VALUE_ROWS, conditions))

    def recent(self) -> Iterator[Tables]:
        """The change feed of the last days, without payroll lines."""
        for access in self._accesses:
            for name, root, rows in _FEEDS:
                if access.capabilities.has_root(root):
                    operation = self._fit(access, name)
                    variables = {"ownerSet": _LEDGER_OWNERS}
                    yield from self._tables(self._pages(access, operation, variables, rows))

    def _register(
        self, access: Access, name: str, rows: Rows, conditions: Mapping[str, Any] | None = None
    ) -> Iterator[Page]:
        operation = self._fit(access, name)
        return self._pages(access, operation, _REGISTER_VARIABLES | {"filter": conditions or {}}, rows)

    def _by_ids(self, access: Access, name: str, rows: Rows, ids: Sequence[int]) -> Iterator[Page]:
        """Only the rows with these ids, in lists that the API takes."""
        operation = self._fit(access, name)
        id_filter = access.capabilities.id_filter(operation.root)
        if id_filter.id_in is None:
            raise ApiFailed(f"The API offers no filter by id on {operation.root}, which keeps persons out; report it.")
        start = 0
        while start < len(ids):
            chunk = ids[start : start + min(self._most_ids, self._page_size.rows)]
            variables = _REGISTER_VARIABLES | {"filter": {id_filter.id_in: id_filter.values(chunk)}}
            try:
                yield from self._pages(access, operation, variables, rows)
            except RequestTooLarge:
                if len(chunk) == 1:
                    raise
                self._most_ids = len(chunk) // 2
                continue
            start += len(chunk)

    def _keep(self, page: Page) -> None:
        for name, table in page.tables.items():
            self._registers[name].append(table)

    def _tables(self, read: Iterator[Page]) -> Iterator[Tables]:
        return (page.tables for page in read)

    def _fit(self, access: Access, name: str) -> Operation:
        operation = access.capabilities.fit(document(name))
        self.dropped_fields |= set(operation.dropped)
        return operation

    def _pages(
        self, access: Access, operation: Operation, variables: Mapping[str, Any], rows: Rows, guard: Guard | None = None
    ) -> Iterator[Page]:
        accept = partial(self._landing.land, operation=operation, rows=rows, guard=guard)
        for page in pages(access.client, operation, variables, self._page_size, accept):
            self._note(page)
            yield page

    def _note(self, page: Page) -> None:
        """Count what came, by the table that the response is about."""
        name = next(iter(page.tables))
        progress = self.progress[name]
        progress.rows += page.tables[name].num_rows
        progress.pages += 1
        self._report(name, progress)
