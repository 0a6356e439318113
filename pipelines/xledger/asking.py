"""From a query document to landed pages: fitted to the live schema, paged, counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from pipelines.xledger.capabilities import Capabilities, Operation
from pipelines.xledger.client import Client, Request
from pipelines.xledger.documents import document
from pipelines.xledger.errors import ApiFailed, PermissionMissing, QueryRefused, RequestTooLarge
from pipelines.xledger.landing import Guard, Landing, Page, ParsedPage, Rows
from pipelines.xledger.paging import PageSize, pages
from pipelines.xledger.parsing import CONNECTION
from pipelines.xledger.payroll import ALLOWED_OF_PAYROLL, FencedFilter
from pipelines.xledger.tables import Kind
from pipelines.xledger.together import in_one_request, keyed

Answer = TypeVar("Answer")

# What the token owns or reaches: its own company and those below it.
LEDGER_OWNERS = "MINE"
# Registers may be shared from above, so everything visible is read.
REGISTER_VARIABLES: Mapping[str, Any] = {"ownerSet": "ALL", "objectStatus": "ALL", "filter": {}}


@dataclass
class Access:
    """One token: its client, what the live schema offers it, the company it was made in, the highest id of each ledger
    root when the run began, and whether the API still answers several documents in one request."""

    name: str
    client: Client
    capabilities: Capabilities
    company_db_id: int | None = None
    may_read_entities: bool = False
    highest: dict[str, int] = field(default_factory=dict)
    takes_several: bool = True


@dataclass
class Progress:
    """What has been read so far of one table; several of these pages can have come in one response."""

    rows: int = 0
    pages: int = 0


@dataclass(frozen=True)
class Asked:
    """A document with its variables, to be asked for together with others."""

    document_name: str
    rows: Rows
    variables: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def register(cls, document_name: str, rows: Rows, conditions: Mapping[str, Any] | None = None) -> Asked:
        """A register, as far as the token sees it."""
        return cls(document_name, rows, {**REGISTER_VARIABLES, "filter": conditions or {}})


class IdLists:
    """Ids in lists that the API takes; once it refuses one for its length, all are shorter."""

    def __init__(self, most_ids: int) -> None:
        self.most_ids = most_ids

    def ask(
        self, ids: Sequence[int], most_rows: int, read: Callable[[Sequence[int]], Iterator[Answer]]
    ) -> Iterator[Answer]:
        """Everything that ``read`` gives for lists of these ids, each no longer than a page.

        Raises:
            RequestTooLarge: even a single id is too much.
        """
        start = 0
        while start < len(ids):
            chunk = ids[start : start + min(self.most_ids, most_rows)]
            try:
                yield from read(chunk)
            except RequestTooLarge:
                if len(chunk) == 1:
                    raise
                self.most_ids = len(chunk) // 2
            else:
                start += len(chunk)


class Asking:
    """Sends the documents and lands what comes; counts rows and pages by table."""

    def __init__(self, landing: Landing, page_size: int, report: Callable[[str, Progress], None]) -> None:
        self.landing = landing
        self.page_size = PageSize(page_size)
        self.progress: dict[str, Progress] = defaultdict(Progress)
        self._report = report

    def pages(
        self,
        access: Access,
        document_name: str,
        rows: Rows,
        variables: Mapping[str, Any],
        after: str | None = None,
    ) -> Iterator[Page]:
        """All pages of one read, from the beginning or from a cursor."""
        operation = self._unfenced(access, document_name)
        yield from self._pages(access, operation, rows, variables, after=after)

    def all_of(self, access: Access, several: Sequence[Asked]) -> Iterator[Iterator[Page]]:
        """All pages of each of several reads, which have to be used in this order. Their first pages come in one request."""
        for asked, first in zip(several, self.first_pages(access, several), strict=True):
            yield self.from_first_page(access, asked, first)

    def from_first_page(self, access: Access, asked: Asked, first: Page | None) -> Iterator[Page]:
        """All pages of a read of which the first may have come already."""
        if asked.rows.node_path != CONNECTION:
            yield first or self.once(access, asked.document_name, asked.rows, asked.variables)
            return
        after = asked.variables.get("after")
        if first is not None:
            yield first
            if not first.has_next_page:
                return
            after = first.end_cursor
            if after is None:
                raise ApiFailed(
                    f"{asked.document_name}: the API says there are more rows but does not give them; run again later."
                )
        yield from self.pages(access, asked.document_name, asked.rows, asked.variables, after)

    def first_pages(self, access: Access, several: Sequence[Asked]) -> list[Page | None]:
        """The first page of each, from one request. None where the API does not answer it: each is to be asked for by itself."""
        nothing: list[Page | None] = [None] * len(several)
        if len(several) < 2 or not access.takes_several:
            return nothing
        operations = keyed([self._unfenced(access, asked.document_name) for asked in several])
        if any(
            column.kind is Kind.MONEY
            for asked in several
            for split in asked.rows.splits
            for column in split.table.columns
        ):
            raise TypeError("amounts come in responses of their own")
        sizes: list[dict[str, Any]] = [
            {} if "last" in asked.variables else {"first": self.page_size.rows} for asked in several
        ]
        request = in_one_request(
            operations,
            [
                _taken(operation, {**size, **asked.variables})
                for operation, size, asked in zip(operations, sizes, several, strict=True)
            ],
        )

        def accept(body: bytes) -> list[ParsedPage]:
            return self.landing.parse_each(
                body, [(of, asked.rows) for of, asked in zip(operations, several, strict=True)]
            )

        try:
            parsed = access.client.execute(request, accept)
        except (QueryRefused, PermissionMissing):
            # Which of them it does not answer, and why, is told when each is asked for by itself.
            access.takes_several = False
            return nothing
        pages = [self.landing.hand_out(page) for page in parsed]
        for page in pages:
            self._count(page)
        return list(pages)

    def ledger(
        self, access: Access, document_name: str, rows: Rows, fenced: FencedFilter, guard: Guard
    ) -> Iterator[Page]:
        """All pages of ledger rows with their amounts and texts: the one way to ask for these.

        Raises:
            TypeError: the filter carries no exclusion, or that of another root.
        """
        operation = access.capabilities.fit(document(document_name))
        if not isinstance(fenced, FencedFilter) or fenced.root != operation.root:
            raise TypeError(f"{document_name} cannot be sent without the exclusion set of {operation.root}")
        variables = {"ownerSet": LEDGER_OWNERS, "filter": fenced.conditions}
        yield from self._pages(access, operation, rows, variables, guard)

    def register(
        self, access: Access, document_name: str, rows: Rows, conditions: Mapping[str, Any] | None = None
    ) -> Iterator[Page]:
        """All pages of a register, as far as the token sees it."""
        return self.pages(access, document_name, rows, Asked.register(document_name, rows, conditions).variables)

    def once(self, access: Access, document_name: str, rows: Rows, variables: Mapping[str, Any] | None = None) -> Page:
        """The one answer to a document that is not paged."""
        operation = self._unfenced(access, document_name)
        accept = partial(self.landing.land, operation=operation, rows=rows)
        page = access.client.execute(
            Request(operation.name, operation.text, _taken(operation, variables or {})), accept
        )
        self._count(page)
        return page

    def _unfenced(self, access: Access, document_name: str) -> Operation:
        """The document fitted to the live schema; of a ledger it may ask only for what may arrive for payroll as well.

        Raises:
            TypeError: it asks for more, and so has to be sent by `ledger`.
        """
        operation = access.capabilities.fit(document(document_name))
        asked = {leaf[len(CONNECTION) :] for leaf in operation.leaves if leaf[: len(CONNECTION)] == CONNECTION}
        if not asked <= ALLOWED_OF_PAYROLL.get(operation.root, asked):
            raise TypeError(f"{document_name} cannot be sent without the exclusion set of {operation.root}")
        return operation

    def _pages(
        self,
        access: Access,
        operation: Operation,
        rows: Rows,
        variables: Mapping[str, Any],
        guard: Guard | None = None,
        after: str | None = None,
    ) -> Iterator[Page]:
        # The next page is asked for and parsed in a thread of its own, while this one is guarded, handed out and written.
        accept = partial(self.landing.parse, operation=operation, rows=rows)
        for parsed in pages(access.client, operation, variables, self.page_size, accept, after):
            page = self.landing.hand_out(parsed, guard)
            self._count(page)
            yield page

    def _count(self, page: Page) -> None:
        name = next(iter(page.tables))
        progress = self.progress[name]
        progress.rows += page.tables[name].num_rows
        progress.pages += 1
        self._report(name, progress)


def _taken(operation: Operation, variables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if name in operation.variables}
