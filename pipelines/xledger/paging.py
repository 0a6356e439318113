"""Page through a root: forward, by cursor, the next page under way while the present one is used.

An endless or short read is never taken for the end: a cursor that repeats, or a next page without a cursor, is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pipelines.xledger.capabilities import Operation
from pipelines.xledger.client import Accept, Client, Request
from pipelines.xledger.errors import ApiFailed, QueryTimedOut


class PageLike(Protocol):
    """What paging needs to know of a landed page."""

    @property
    def rows(self) -> int: ...
    @property
    def end_cursor(self) -> str | None: ...
    @property
    def has_next_page(self) -> bool: ...


AnyPage = TypeVar("AnyPage", bound=PageLike)

_MOST_EMPTY_PAGES = 3


@dataclass
class PageSize:
    """Rows asked for at once; halved for good when the API's own time-out says so."""

    rows: int

    def halve(self) -> bool:
        """Make the page smaller; False when it cannot be."""
        if self.rows <= 1:
            return False
        self.rows = max(1, self.rows // 2)
        return True


def pages(
    client: Client,
    operation: Operation,
    variables: Mapping[str, Any],
    page_size: PageSize,
    accept: Accept[AnyPage],
    after: str | None = None,
) -> Iterator[AnyPage]:
    """All pages of one read, from the beginning or from a cursor.

    ``accept`` turns a body into a page; it runs in a thread of its own, one page at a time."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="page") as executor:
        ask: Callable[[str | None], Future[AnyPage]] = lambda cursor: executor.submit(  # noqa: E731
            _one_page, client, operation, variables, page_size, accept, cursor
        )
        cursor: str | None = None
        seen: set[str] = set()
        empty = 0
        under_way = ask(after)
        while True:
            page = under_way.result()
            if not page.has_next_page:
                yield page
                return
            empty = empty + 1 if page.rows == 0 else 0
            if page.end_cursor is None or empty > _MOST_EMPTY_PAGES:
                raise ApiFailed(
                    f"{operation.root}: the API says there are more rows but does not give them; run again later."
                )
            cursor = page.end_cursor
            if cursor in seen:
                raise ApiFailed(
                    f"{operation.root}: the API gave the same page again instead of the next; run again later."
                )
            seen.add(cursor)
            under_way = ask(cursor)
            yield page


def _one_page(
    client: Client,
    operation: Operation,
    variables: Mapping[str, Any],
    page_size: PageSize,
    accept: Accept[AnyPage],
    cursor: str | None,
) -> AnyPage:
    while True:
        values = dict(variables) | {"first": page_size.rows, "after": cursor}
        sent = {name: value for name, value in values.items() if name in operation.variables and value is not None}
        try:
            return client.execute(Request(operation.name, operation.text, sent), accept)
        except QueryTimedOut:
            if not page_size.halve():
                raise
