"""One read of everything the tokens reach, or of what changed, in the order that keeps payroll out: fence, pre-queries, data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.xledger import entities
from pipelines.xledger.asking import LEDGER_OWNERS, Access, Asked, Asking, IdLists, Progress
from pipelines.xledger.census import ChangedRows
from pipelines.xledger.changes import ChangedIds, Changes
from pipelines.xledger.documents import document
from pipelines.xledger.errors import ApiFailed, FeedsSilent, PayrollHit, PayrollStop, PermissionMissing, RequestTooLarge
from pipelines.xledger.kept import Kept, continue_census, quoted, write_census
from pipelines.xledger.landing import Landing, Page, Rows
from pipelines.xledger.payroll import (
    AP_TRANSACTIONS,
    CENSUS_TABLES,
    LEDGER_ROOTS,
    TRANSACTIONS,
    Exclusions,
    FencedFilter,
    PayrollFence,
)
from pipelines.xledger.prequeries import PreQueries
from pipelines.xledger.settings import LARGEST_PAGE, Settings
from pipelines.xledger.standing import Standing, made_with
from pipelines.xledger.tables import TRANSACTION_HEADER
from pipelines.xledger.unfinished import Pages
from pipelines.xledger.workbench import WORKBENCH, on_all_cores

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


@dataclass(frozen=True)
class _Named:
    """A register of which the rows with these ids are read."""

    document_name: str
    rows: Rows
    ids: Sequence[int] = field(hash=False)


class LedgerReader:
    """Reads all entities for all tokens; what reads data gives Arrow tables by raw table name, page by page."""

    def __init__(
        self,
        settings: Settings,
        accesses: Sequence[Access],
        workbench: duckdb.DuckDBPyConnection,
        salt: str,
        report: Callable[[str, Progress], None],
        kept: Kept | None = None,
        pages: Pages | None = None,
    ) -> None:
        self._accesses = accesses
        self._workbench = workbench
        self._asking = Asking(Landing(workbench, salt), settings.page_size, report)
        self._id_lists = IdLists(settings.max_ids_per_query)
        self._has_refreshed = False
        self._probed: set[tuple[str, str]] = set()
        self._kept = kept
        self._pages = pages
        self._made_with = made_with(settings, accesses)
        self._standing: Standing | None = None
        self.fence = PayrollFence(workbench, settings)
        self._pre_queries = PreQueries(self._asking, self.fence, ChangedRows(workbench), self._id_lists)
        self._changes = Changes(self._asking)

    @property
    def progress(self) -> Mapping[str, Progress]:
        """Rows and pages read so far, by table."""
        return self._asking.progress

    def rows(self, *, whole: bool) -> Mapping[str, int]:
        """Rows by raw table: those asked for now, or of both ledgers all there are (``whole``)."""
        read = {name: progress.rows for name, progress in self.progress.items() if not name.startswith("census_")}
        ledgers = {rows.splits[0].table.name: self.received(root) for root, rows in _LEDGER_ROWS.items()}
        return read | (ledgers if whole else {})

    def prepare(self) -> None:
        """Note the feeds' heads and the highest ids, then run the pre-queries and the rules; before anything else.

        Raises:
            FeedsSilent: what changed since the last read is not told.
        """
        server_time = self._accesses[0].client.traffic.server_time
        changed: ChangedIds = {}
        if self._kept is None:
            self._changes.note_heads(self._accesses)
        else:
            changed = self._changed_since(self._kept.standing)
        if self._changes.are_told(self._accesses):
            self._standing = Standing.now(self._made_with, server_time, self._changes.heads)
        self._pre_queries.note_highest_ids(self._accesses)
        if self._kept is None:
            self._pre_queries.run(self._accesses)
        else:
            self._pre_queries.update(self._accesses, self._kept, changed)
            self._settle(self._kept)
        if self._pages is not None and self._standing is not None and self.can_be_followed:
            standing = replace(self._standing, has_whole_census=self.fence.is_whole_ledger)
            standing.write(self._workbench, WORKBENCH)

    def _changed_since(self, standing: Standing) -> ChangedIds:
        try:
            return self._changes.catch_up(standing.heads, self._accesses)
        except (ApiFailed, PermissionMissing) as error:
            silent = FeedsSilent(f"The change feeds do not tell what changed: {error}")
        raise silent

    def _settle(self, kept: Kept) -> None:
        with on_all_cores(self._workbench):
            kept.settle()
            for root, rows in _LEDGER_ROWS.items():
                self._asking.landing.count_as_handed_out(rows.splits[0].table.name, f"from {CENSUS_TABLES[root]}_kept")

    def ledger(self, root: str) -> Iterator[Tables]:
        """All rows of `transactions` or `apTransactions` that are not payroll, or those of them that changed.

        Raises:
            PayrollStop: a forbidden row came back twice.
        """
        for access in self._accesses:
            yield from self._ledger_of(access, root)

    def _ledger_of(self, access: Access, root: str) -> Iterator[Tables]:
        exclusions = self._exclusions(access, root)
        above = -1
        while window := exclusions.next_window(above, self._ids_in_a_list(exclusions)):
            fenced, last = window
            try:
                yield from self._ledger_window(access, fenced)
            except RequestTooLarge:
                if fenced.ids <= 1:
                    raise
                self._id_lists.most_ids = max(1, fenced.ids // 2)
            except PayrollHit:
                self._refresh()
                exclusions = self._exclusions(access, root)
            else:
                above = last

    def _exclusions(self, access: Access, root: str) -> Exclusions:
        wanted = None
        if self._kept is not None:
            landed = f"landed.{_LEDGER_ROWS[root].splits[0].table.name}"
            wanted = f"from {CENSUS_TABLES[root]}_wanted anti join {landed} using (db_id)"
        return self.fence.exclusions(root, access.capabilities.id_filter(root), access.highest[root], wanted)

    def _ids_in_a_list(self, exclusions: Exclusions) -> int:
        most = self._id_lists.most_ids
        return most if exclusions.leaves_out_by_window else min(most, self._asking.page_size.rows)

    def _ledger_window(self, access: Access, fenced: FencedFilter) -> Iterator[Tables]:
        if (access.name, fenced.root) not in self._probed:
            self._probe(access, fenced)
            self._probed.add((access.name, fenced.root))
        document_name, rows = _LEDGER_DOCUMENTS[fenced.root], _LEDGER_ROWS[fenced.root]
        for tables in _tables(self._asking.ledger(access, document_name, rows, fenced, self.fence.guard(fenced.root))):
            if self._pages is not None:
                self._pages.keep(tables)
            yield tables

    def _probe(self, access: Access, fenced: FencedFilter) -> None:
        """See that the API honours the exclusion, and that it takes a list of this length: how long one may be is told nowhere."""
        try:
            self._pre_queries.refuse_leaking_filter(access, fenced)
        except ApiFailed as refused:
            if fenced.ids <= LARGEST_PAGE or isinstance(refused, RequestTooLarge):
                raise
            too_large = RequestTooLarge(str(refused))
        else:
            return
        raise too_large

    def _refresh(self) -> None:
        """A forbidden row came back: read the exclusion sets anew, once, from the ids of all lines."""
        if self._has_refreshed:
            raise PayrollStop(
                "Payroll rows came back from the API although the query left them out, twice; the run stopped, they were "
                "kept nowhere, and nothing was published. Run again later; if it stays, check the payroll settings."
            )
        self._has_refreshed = True
        self._pre_queries.run(self._accesses, ask_for_all=True)
        if self._kept is not None:
            self._settle(self._kept)

    def missing(self) -> int:
        """How many rows that the pre-queries saw did not come, or came unasked: the ledger changed, or the API left rows out."""
        return sum(
            abs(seen - self.fence.excluded(root) - self.received(root))
            for root in LEDGER_ROOTS
            if (seen := self.fence.seen(root)) is not None
        )

    def became_payroll(self) -> int:
        """How many rows handed out are payroll by now, or stand in a voucher that by now holds or pays out pay.

        Asked again, before they are committed, if the feeds show changes, or if a forbidden row came back: pages before it
        may hold its fellows, and the feeds show a change only after half a minute.
        """
        changed = self._changed_since_the_beginning()
        if not self._has_refreshed and changed is not None and not any(changed.values()):
            return 0
        self.fence.remember_vouchers()
        if self._has_refreshed or changed is None or not self.fence.is_whole_ledger:
            self._pre_queries.run(self._accesses, ask_for_all=self._has_refreshed)
        if changed:
            # Beyond the highest ids, too: a line that was posted since can make a voucher one with pay.
            self._pre_queries.follow(self._accesses, changed, is_fenced=False)
            self._pre_queries.judge(is_whole_ledger=self.fence.is_whole_ledger)
        return self.fence.vouchers_handed_out_wrongly(TRANSACTION_HEADER.name) + sum(
            self.fence.handed_out_wrongly(root, rows.splits[0].table.name) for root, rows in _LEDGER_ROWS.items()
        )

    def _changed_since_the_beginning(self) -> ChangedIds | None:
        """What the feeds tell since the heads were noted; None where they do not."""
        if not self._changes.are_told(self._accesses):
            return None
        try:
            return self._changes.since(self._changes.heads, self._accesses)
        except (ApiFailed, PermissionMissing):
            return None

    @property
    def can_be_followed(self) -> bool:
        """Whether a read of what changed since can stand on this one."""
        return self._standing is not None and all(
            access.capabilities.id_filter(root).id_in for access in self._accesses for root in LEDGER_ROOTS
        )

    @property
    def stands_on_a_last_read(self) -> bool:
        """Whether only what changed is read."""
        return self._kept is not None

    def is_as_it_was(self, table: str) -> bool:
        """Whether a register came as the last read left it, and so was not handed out."""
        return self._kept is not None and self._kept.has_register(table)

    def loses_rows(self) -> bool:
        """Whether a row of the last read is not among those of this one. Then its file is made anew: see `Warehouse.incoming`."""
        return self._kept is not None and self._kept.loses_rows()

    def make_room(self, incoming: Path) -> None:
        """Take out of a copy of the last read's file what was read anew, before that is loaded."""
        if self._kept is not None:
            self._workbench.execute(f"attach '{quoted(incoming)}' as incoming")
            self._kept.make_room("incoming")
            self._workbench.execute("detach incoming")

    def finish(self, incoming: Path, *, is_copy: bool) -> None:
        """Complete the loaded warehouse file: the rows that stay from the last read, and what the next one needs to know.

        ``is_copy``: it is a copy of the last read's file, made room in, so these rows are there.
        """
        self._workbench.execute(f"attach '{quoted(incoming)}' as incoming")
        if self._kept is not None and is_copy:
            self._kept.clear_up("incoming")
        elif self._kept is not None:
            self._kept.take_over("incoming")
        if is_copy and self._pre_queries.continues_last_census:
            continue_census(self._workbench, "incoming")
        else:
            write_census(self._workbench, "incoming")
        if self._standing is not None and self.can_be_followed:
            self._standing.write(self._workbench, "incoming")
        self._workbench.execute("detach incoming")

    def received(self, root: str) -> int:
        """Rows handed out so far."""
        return self._asking.landing.handed_out(_LEDGER_ROWS[root].splits[0].table.name)

    def registers(self) -> Iterator[Tables]:
        """Accounts, subledgers, owners, suppliers and what they point at, dimensions, countries and currencies.

        Beside a last read, those of them that are not as it left them.
        """
        read = self._registers()
        yield from read if self._kept is None else self._kept.changed_registers(read)

    def _registers(self) -> Iterator[Tables]:
        for name, kept in self._pre_queries.registers.items():
            yield from ({name: table} for table in kept)
        for access in self._accesses:
            yield from self._registers_of(access)

    def _registers_of(self, access: Access) -> Iterator[Tables]:
        """Suppliers and dimensions, then the companies, contacts and values that these name."""
        suppliers, setup, countries, currencies = self._all_of(
            access,
            [_Named("suppliers", entities.SUPPLIER_ROWS, self.fence.suppliers_to_ask_for())],
            [
                Asked("setup", entities.OBJECT_ROWS),
                Asked.register("countries", entities.COUNTRY_ROWS),
                Asked.register("currencies", entities.CURRENCY_ROWS),
            ],
        )
        companies: set[int] = set()
        contacts: set[int] = set()
        for page in suppliers:
            supplier = page.tables["supplier"]
            companies |= set(supplier.column("company_db_id").drop_null().to_pylist())
            contacts |= set(supplier.column("contact_db_id").drop_null().to_pylist())
            yield page.tables
        kinds = {_TAX_RULE_KIND: "TAX_RULE"}
        for page in setup:
            kinds |= {
                row["object_kind_db_id"]: row["object_kind_name"] or ""
                for row in page.tables["object"].to_pylist()
                if row["object_kind_db_id"] is not None
            }
            yield page.tables
        named = [
            _Named("companies", entities.COMPANY_ROWS, sorted(companies)),
            _Named("contacts", entities.CONTACT_ROWS, sorted(contacts)),
        ]
        values = [
            Asked.register("object_values", entities.OBJECT_VALUE_ROWS, {"objectKindDbId": kind})
            for kind, name in sorted(kinds.items())
            if not any(word in name.upper() for word in _PEOPLE)
        ]
        for pages in (countries, currencies, *self._all_of(access, named, values)):
            yield from _tables(pages)

    def recent(self) -> Iterator[Tables]:
        """The change feed of the last days, as far as it names lines that were received."""
        for access in self._accesses:
            feeds = [
                Asked(document_name, rows, {"ownerSet": LEDGER_OWNERS})
                for document_name, root, rows in _FEEDS
                if access.capabilities.has_root(root)
            ]
            for pages in self._asking.all_of(access, feeds):
                yield from _tables(pages)

    def _all_of(self, access: Access, named: Sequence[_Named], several: Sequence[Asked]) -> Sequence[Iterator[Page]]:
        """All pages of each, to be used in this order; the first ones in one request, but of ids too many for that."""
        most = min(self._id_lists.most_ids, self._asking.page_size.rows)
        short = {
            register: Asked.register(
                register.document_name, register.rows, self._with_ids(access, register.document_name, register.ids)
            )
            for register in named
            if 0 < len(register.ids) <= most
        }
        firsts = self._asking.first_pages(access, [*short.values(), *several])
        begun = dict(zip(short, firsts, strict=False))
        reads = []
        for register in named:
            if first := begun.get(register):
                reads.append(self._asking.from_first_page(access, short[register], first))
            else:
                reads.append(self._by_ids(access, register.document_name, register.rows, register.ids))
        for asked, first in zip(several, firsts[len(short) :], strict=True):
            reads.append(self._asking.from_first_page(access, asked, first))
        return reads

    def _by_ids(self, access: Access, document_name: str, rows: Rows, ids: Sequence[int]) -> Iterator[Page]:
        """Only the rows with these ids, in lists that the API takes."""

        def ask(chunk: Sequence[int]) -> Iterator[Page]:
            return self._asking.register(access, document_name, rows, self._with_ids(access, document_name, chunk))

        yield from self._id_lists.ask(ids, self._asking.page_size.rows, ask)

    def _with_ids(self, access: Access, document_name: str, ids: Sequence[int]) -> Mapping[str, Any]:
        root = access.capabilities.fit(document(document_name)).root
        id_filter = access.capabilities.id_filter(root)
        if id_filter.id_in is None:
            raise ApiFailed(f"The API offers no filter by id on {root}, which is what keeps persons out; report it.")
        return {id_filter.id_in: id_filter.values(ids)}


def _tables(read: Iterator[Page]) -> Iterator[Tables]:
    return (page.tables for page in read)
