"""One full read of everything the tokens reach, in the order that keeps payroll out: fence, pre-queries, data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import duckdb
import pyarrow as pa

from pipelines.xledger import entities
from pipelines.xledger.asking import LEDGER_OWNERS, Access, Asking, Progress
from pipelines.xledger.capabilities import IdFilter
from pipelines.xledger.changes import Changes
from pipelines.xledger.documents import document
from pipelines.xledger.errors import ApiFailed, LedgerChanged, PayrollHit, PayrollStop, RequestTooLarge
from pipelines.xledger.landing import Landing, Page, Rows
from pipelines.xledger.payroll import AP_TRANSACTIONS, TRANSACTIONS, FencedFilter, PayrollFence
from pipelines.xledger.prequeries import PreQueries
from pipelines.xledger.settings import Settings

Tables = Mapping[str, pa.Table]

_LEDGER_DOCUMENTS = {TRANSACTIONS: "transactions", AP_TRANSACTIONS: "ap_transactions"}
_LEDGER_ROWS = {TRANSACTIONS: entities.TRANSACTION_ROWS, AP_TRANSACTIONS: entities.AP_TRANSACTION_ROWS}
_TAX_RULE_KIND = 14
# Object kinds that hold people are never asked for.
_PEOPLE = ("EMPLOY", "ANSATT", "ANSTÄLL", "MEDARB", "PERSON", "PAYROLL", "WAGE", "SALAR", "LØNN", "LÖN")
_FEEDS = (
    ("transaction_deltas", "transaction_deltas", entities.DELTA_ROWS),
    ("recent_transactions", "recentTransactions", entities.RECENT_ROWS),
)


class LedgerReader:
    """Reads all entities for all tokens; what reads data gives Arrow tables by raw table name, page by page."""

    def __init__(
        self,
        settings: Settings,
        accesses: Sequence[Access],
        workbench: duckdb.DuckDBPyConnection,
        salt: str,
        report: Callable[[str, Progress], None],
    ) -> None:
        self._accesses = accesses
        self._asking = Asking(Landing(workbench, salt), settings.page_size, report)
        self._most_ids = settings.max_ids_per_query
        self._has_refreshed = False
        self._probed: set[tuple[str, str]] = set()
        self.fence = PayrollFence(workbench, settings)
        self._pre_queries = PreQueries(self._asking, self.fence)
        self._changes = Changes(self._asking)

    @property
    def progress(self) -> Mapping[str, Progress]:
        """Rows and pages read so far, by table."""
        return self._asking.progress

    def prepare(self) -> None:
        """Note the feeds' heads and the highest ids, then run the pre-queries and the rules; before anything else."""
        self._changes.note_heads(self._accesses)
        self._pre_queries.note_highest_ids(self._accesses)
        self._pre_queries.run(self._accesses)

    def ledger(self, root: str) -> Iterator[Tables]:
        """All rows of `transactions` or `apTransactions` that are not payroll.

        Raises:
            PayrollStop: a forbidden row came back twice.
            LedgerChanged: rows that the pre-query saw did not come.
        """
        for access in self._accesses:
            yield from self._ledger_of(access, root)
        self._check_complete(root)

    def _ledger_of(self, access: Access, root: str) -> Iterator[Tables]:
        id_filter = access.capabilities.id_filter(root)
        exclusions = self.fence.exclusions(root, id_filter, access.highest[root])
        above = -1
        while window := exclusions.next_window(above, self._ids_in_a_list(id_filter)):
            fenced, last = window
            try:
                yield from self._ledger_window(access, fenced)
            except RequestTooLarge:
                if fenced.ids <= 1:
                    raise
                self._most_ids = max(1, fenced.ids // 2)
            except PayrollHit:
                self._refresh()
                exclusions = self.fence.exclusions(root, id_filter, access.highest[root])
            else:
                above = last

    def _ids_in_a_list(self, id_filter: IdFilter) -> int:
        return self._most_ids if id_filter.leaves_out_by_window else min(self._most_ids, self._asking.page_size.rows)

    def _ledger_window(self, access: Access, fenced: FencedFilter) -> Iterator[Tables]:
        if (access.name, fenced.root) not in self._probed:
            self._pre_queries.refuse_leaking_filter(access, fenced)
            self._probed.add((access.name, fenced.root))
        document_name, rows = _LEDGER_DOCUMENTS[fenced.root], _LEDGER_ROWS[fenced.root]
        yield from _tables(self._asking.ledger(access, document_name, rows, fenced, self.fence.guard(fenced.root)))

    def _refresh(self) -> None:
        """A forbidden row came back: read the exclusion sets anew, once, from the ids of all lines."""
        if self._has_refreshed:
            raise PayrollStop(
                "Payroll rows came back from the API although the query left them out, twice; the run stopped, they were "
                "kept nowhere, and nothing was published. Run again later; if it stays, check the payroll settings."
            )
        self._has_refreshed = True
        self._pre_queries.run(self._accesses, ask_for_all=True)

    def _check_complete(self, root: str) -> None:
        seen = self.fence.seen(root)
        missing = 0 if seen is None else seen - self.fence.excluded(root) - self.received(root)
        if missing:
            raise LedgerChanged(
                f"{root}: {missing} rows that the pre-query saw did not come, or came unasked, so the ledger changed "
                "during the run or the API left rows out. Nothing was published; run again."
            )

    def became_payroll(self) -> int:
        """How many rows handed out are payroll by now.

        Asked again, before they are committed, if the feeds show changes, or if a forbidden row came back: pages before it
        may hold its fellows, and the feeds show a change only after half a minute.
        """
        if not self._has_refreshed and not self._changes.touch_what_was_read(self._accesses):
            return 0
        self._pre_queries.run(self._accesses, ask_for_all=self._has_refreshed)
        return sum(
            self.fence.handed_out_wrongly(root, rows.splits[0].table.name) for root, rows in _LEDGER_ROWS.items()
        )

    def received(self, root: str) -> int:
        """Rows handed out so far."""
        return self._asking.landing.handed_out(_LEDGER_ROWS[root].splits[0].table.name)

    def registers(self) -> Iterator[Tables]:
        """Accounts, subledgers, owners, suppliers and what they point at, dimensions, countries and currencies."""
        for name, kept in self._pre_queries.registers.items():
            yield from ({name: table} for table in kept)
        for access in self._accesses:
            yield from self._suppliers(access)
            yield from self._dimensions(access)
            yield from _tables(self._asking.register(access, "countries", entities.COUNTRY_ROWS))
            yield from _tables(self._asking.register(access, "currencies", entities.CURRENCY_ROWS))

    def _suppliers(self, access: Access) -> Iterator[Tables]:
        companies: set[int] = set()
        contacts: set[int] = set()
        for page in self._by_ids(access, "suppliers", entities.SUPPLIER_ROWS, self.fence.suppliers_to_ask_for()):
            supplier = page.tables["supplier"]
            companies |= set(supplier.column("company_db_id").drop_null().to_pylist())
            contacts |= set(supplier.column("contact_db_id").drop_null().to_pylist())
            yield page.tables
        yield from _tables(self._by_ids(access, "companies", entities.COMPANY_ROWS, sorted(companies)))
        yield from _tables(self._by_ids(access, "contacts", entities.CONTACT_ROWS, sorted(contacts)))

    def _dimensions(self, access: Access) -> Iterator[Tables]:
        setup = self._asking.once(access, "setup", entities.OBJECT_ROWS)
        yield setup.tables
        kinds = {
            row["object_kind_db_id"]: row["object_kind_name"] or ""
            for row in setup.tables["object"].to_pylist()
            if row["object_kind_db_id"] is not None
        }
        for kind, name in sorted(({_TAX_RULE_KIND: "TAX_RULE"} | kinds).items()):
            if not any(word in name.upper() for word in _PEOPLE):
                conditions = {"objectKindDbId": kind}
                rows = entities.OBJECT_VALUE_ROWS
                yield from _tables(self._asking.register(access, "object_values", rows, conditions))

    def recent(self) -> Iterator[Tables]:
        """The change feed of the last days, as far as it names lines that were received."""
        for access in self._accesses:
            for document_name, root, rows in _FEEDS:
                if access.capabilities.has_root(root):
                    yield from _tables(self._asking.pages(access, document_name, rows, {"ownerSet": LEDGER_OWNERS}))

    def _by_ids(self, access: Access, document_name: str, rows: Rows, ids: Sequence[int]) -> Iterator[Page]:
        """Only the rows with these ids, in lists that the API takes."""
        root = access.capabilities.fit(document(document_name)).root
        id_filter = access.capabilities.id_filter(root)
        if id_filter.id_in is None:
            raise ApiFailed(f"The API offers no filter by id on {root}, which is what keeps persons out; report it.")
        start = 0
        while start < len(ids):
            chunk = ids[start : start + min(self._most_ids, self._asking.page_size.rows)]
            try:
                yield from self._asking.register(
                    access, document_name, rows, {id_filter.id_in: id_filter.values(chunk)}
                )
            except RequestTooLarge:
                if len(chunk) == 1:
                    raise
                self._most_ids = len(chunk) // 2
            else:
                start += len(chunk)


def _tables(read: Iterator[Page]) -> Iterator[Tables]:
    return (page.tables for page in read)
