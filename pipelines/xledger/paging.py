"""Page through a root: forward, by cursor, up to two pages under way or parsed while the one before them is used.

An endless or short read is never taken for the end: a cursor that repeats, or a next page without a cursor, is an error.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pipelines.xledger.capabilities import Operation
from pipelines.xledger.client import Accept, Client, Request
from pipelines.xledger.errors import ApiFailed, QueryTimedOut
from pipelines.xledger.parsing import PageInfo, page_info


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
_PAGES_AHEAD = 2


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

    ``accept`` turns a body into a page; it runs in threads of its own, two pages at a time. A page is asked for as soon as
    the bytes of the one before are there, since its cursor stands at their end.
    """
    with ThreadPoolExecutor(max_workers=_PAGES_AHEAD, thread_name_prefix="page") as executor:
        ahead: deque[_UnderWay[AnyPage]] = deque()
        seen: set[str] = set()

        def ask(cursor: str | None) -> None:
            told: Future[PageInfo | None] = Future()
            page = executor.submit(_one_page, client, operation, variables, page_size, accept, cursor, told)
            ahead.append(_UnderWay(cursor, told, page))

        def ask_behind(told: PageInfo | None) -> None:
            """A circle, or a next page without a cursor, is left for when the page that says so is used."""
            if told and told.has_next_page and told.end_cursor is not None and told.end_cursor not in seen:
                seen.add(told.end_cursor)
                ask(told.end_cursor)

        ask(after)
        empty = 0
        while True:
            present = ahead.popleft()
            told = present.told.result()
            if not ahead:
                ask_behind(told)
            page = present.page.result()
            if told != (said := PageInfo(page.end_cursor, page.has_next_page)):
                # The body that told the cursor was no whole answer, and was asked for again.
                seen.difference_update(str(other.cursor) for other in ahead)
                ahead.clear()
                ask_behind(said)
            if not page.has_next_page:
                yield page
                return
            empty = empty + 1 if page.rows == 0 else 0
            if page.end_cursor is None or empty > _MOST_EMPTY_PAGES:
                raise ApiFailed(
                    f"{operation.root}: the API says there are more rows but does not give them; run again later."
                )
            if not ahead:
                raise ApiFailed(
                    f"{operation.root}: the API gave the same page again instead of the next; run again later."
                )
            if len(ahead) < _PAGES_AHEAD and ahead[-1].told.done():
                ask_behind(ahead[-1].told.result())
            yield page


@dataclass(frozen=True)
class _UnderWay(Generic[AnyPage]):
    """A page that was asked for; ``told`` is where it says the read goes on, known before it is parsed; None if it failed."""

    cursor: str | None
    told: Future[PageInfo | None]
    page: Future[AnyPage]


def _one_page(
    client: Client,
    operation: Operation,
    variables: Mapping[str, Any],
    page_size: PageSize,
    accept: Accept[AnyPage],
    cursor: str | None,
    told: Future[PageInfo | None],
) -> AnyPage:
    def take(body: bytes) -> AnyPage:
        info = page_info(body)
        if not told.done():
            told.set_result(info)
        return accept(body)

    try:
        while True:
            values = dict(variables) | {"first": page_size.rows, "after": cursor}
            sent = {name: value for name, value in values.items() if name in operation.variables and value is not None}
            try:
                return client.execute(Request(operation.name, operation.text, sent), take)
            except QueryTimedOut:
                if not page_size.halve():
                    raise
    finally:
        if not told.done():
            told.set_result(None)
