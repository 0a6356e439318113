from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pytest

from pipelines.xledger.capabilities import Operation
from pipelines.xledger.client import Client, Request
from pipelines.xledger.errors import ApiFailed, MalformedResponse, PayrollHit, QueryTimedOut
from pipelines.xledger.paging import PageSize, pages

LINES = Operation("transactions", "transactions", "query", frozenset({"first", "after", "filter"}), frozenset(), ())


@dataclass(frozen=True)
class Page:
    """``number`` tells pages apart."""

    number: int
    rows: int
    end_cursor: str | None
    has_next_page: bool


Answer = Page | Exception
Accept = Callable[[bytes], Page]


def _body(page: Page) -> bytes:
    edges = [{"number": page.number, "rows": page.rows, "cursor": page.end_cursor}]
    return json.dumps({"edges": edges, "pageInfo": {"hasNextPage": page.has_next_page}}).encode()


def _accept(body: bytes) -> Page:
    answer = json.loads(body)
    edge = answer["edges"][0]
    return Page(edge["number"], edge["rows"], edge["cursor"], answer["pageInfo"]["hasNextPage"])


class FakeClient:
    """Answers by cursor; a list of answers is given one a request."""

    def __init__(self, answers: Mapping[str | None, Answer | list[Answer]]) -> None:
        self._answers = {cursor: answer if isinstance(answer, list) else [answer] for cursor, answer in answers.items()}
        self.asked: list[Mapping[str, Any]] = []
        self.threads: set[str] = set()

    def execute(self, request: Request, accept: Accept) -> Page:
        self.asked.append(request.variables)
        self.threads.add(threading.current_thread().name)
        answers = self._answers[request.variables.get("after")]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return accept(_body(answer))


def _read(
    answers: Mapping[str | None, Answer | list[Answer]],
    page_size: PageSize | None = None,
    asked: Operation = LINES,
    after: str | None = None,
) -> tuple[list[int], FakeClient]:
    client = FakeClient(answers)
    variables = {"filter": {"dbId_gt": "0"}}
    read = pages(cast(Client, client), asked, variables, page_size or PageSize(1000), _accept, after)
    return [page.number for page in read], client


def _page(number: int, end_cursor: str | None, rows: int = 1000) -> Page:
    return Page(number, rows, end_cursor, has_next_page=True)


def _last(number: int, rows: int = 7) -> Page:
    return Page(number, rows, "end", has_next_page=False)


def test_all_pages_come_in_order_each_after_the_one_before() -> None:
    numbers, client = _read({None: _page(1, "a"), "a": _page(2, "b"), "b": _last(3)})
    assert numbers == [1, 2, 3]
    assert client.asked == [
        {"filter": {"dbId_gt": "0"}, "first": 1000},
        {"filter": {"dbId_gt": "0"}, "first": 1000, "after": "a"},
        {"filter": {"dbId_gt": "0"}, "first": 1000, "after": "b"},
    ]


def test_a_read_can_begin_at_a_cursor() -> None:
    numbers, client = _read({"z": _page(1, "a"), "a": _last(2)}, after="z")
    assert numbers == [1, 2]
    assert [variables["after"] for variables in client.asked] == ["z", "a"]


def test_pages_are_fetched_in_threads_of_their_own() -> None:
    _, client = _read({None: _page(1, "a"), "a": _last(2)})
    assert threading.current_thread().name not in client.threads


def test_the_next_page_is_asked_for_before_the_present_one_is_parsed() -> None:
    client = FakeClient({None: _page(1, "a"), "a": _last(2)})
    is_asked = threading.Event()

    def accept(body: bytes) -> Page:
        page = _accept(body)
        if page.number == 2:
            is_asked.set()
        assert is_asked.wait(20)
        return page

    read = pages(cast(Client, client), LINES, {}, PageSize(1000), accept)
    assert [page.number for page in read] == [1, 2]


def test_no_more_than_two_pages_are_asked_for_ahead() -> None:
    client = FakeClient(
        {None: _page(0, "0")} | {str(number): _page(number + 1, str(number + 1)) for number in range(9)}
    )
    read = pages(cast(Client, client), LINES, {}, PageSize(1000), _accept)
    for used in range(1, 6):
        next(read)
        assert len(client.asked) <= used + 2


class CutOnce(FakeClient):
    """The first answer comes broken, with another cursor, and is asked for again."""

    def execute(self, request: Request, accept: Accept) -> Page:
        if not self.asked:
            broken = _body(_page(1, "not a cursor")).replace(b'"number"', b"")
            with pytest.raises(MalformedResponse):
                accept(broken)
        return super().execute(request, accept)


def test_a_cursor_out_of_a_broken_answer_is_not_followed() -> None:
    lost = Page(99, 1, "lost", has_next_page=True)
    client = CutOnce({None: _page(1, "a"), "a": _last(2), "not a cursor": lost, "lost": lost})

    def accept(body: bytes) -> Page:
        try:
            return _accept(body)
        except ValueError:
            raise MalformedResponse("broken") from None

    read = pages(cast(Client, client), LINES, {}, PageSize(1000), accept)
    assert [page.number for page in read] == [1, 2]


def test_only_variables_that_the_live_schema_takes_are_sent() -> None:
    asked = Operation("countries", "countries", "query", frozenset({"first"}), frozenset(), ())
    _, client = _read({None: _last(1)}, asked=asked)
    assert client.asked == [{"first": 1000}]


def test_the_end_may_be_empty() -> None:
    assert _read({None: _page(1, "a"), "a": Page(2, 0, None, has_next_page=False)})[0] == [1, 2]


def test_an_empty_ledger_is_one_empty_page() -> None:
    assert _read({None: Page(1, 0, None, has_next_page=False)})[0] == [1]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        pytest.param({None: _page(1, None)}, "does not give them", id="a next page without a cursor"),
        pytest.param({None: _page(1, None, rows=0)}, "does not give them", id="a next page after nothing"),
        pytest.param({None: _page(1, "a"), "a": _page(2, "a")}, "the same page again", id="the cursor repeats"),
        pytest.param(
            {None: _page(1, "a"), "a": _page(2, "b"), "b": _page(3, "a")},
            "the same page again",
            id="the cursors go in a circle",
        ),
        pytest.param(
            {cursor: _page(0, f"{cursor}x", rows=0) for cursor in (None, "Nonex", "Nonexx", "Nonexxx", "Nonexxxx")},
            "does not give them",
            id="empty pages without end",
        ),
    ],
)
def test_an_endless_read_is_not_taken_for_the_end(answers: Mapping[str | None, Answer], message: str) -> None:
    with pytest.raises(ApiFailed, match=message):
        _read(answers)


def test_single_empty_pages_are_read_over() -> None:
    answers: dict[str | None, Answer] = {None: _page(0, "0", rows=0), "9": _last(10)}
    answers |= {str(number): _page(number + 1, str(number + 1), rows=number % 2) for number in range(9)}
    assert _read(answers)[0] == list(range(11))


def test_after_the_apis_own_time_out_the_page_is_halved_for_good() -> None:
    timed_out = QueryTimedOut("timed out")
    size = PageSize(1000)
    numbers, client = _read({None: _page(1, "a"), "a": [timed_out, timed_out, _page(2, "b")], "b": _last(3)}, size)
    assert numbers == [1, 2, 3]
    assert [variables["first"] for variables in client.asked] == [1000, 1000, 500, 250, 250]
    assert size.rows == 250


def test_a_time_out_of_a_single_row_ends_the_run() -> None:
    size = PageSize(5)
    with pytest.raises(QueryTimedOut):
        _read({None: QueryTimedOut("timed out")}, size)
    assert size.rows == 1


@pytest.mark.parametrize("rows", [10_000, 3, 2, 1])
def test_halving_ends_at_one_row(rows: int) -> None:
    size = PageSize(rows)
    halvings = 0
    while size.halve():
        halvings += 1
    assert size.rows == 1
    assert halvings == rows.bit_length() - 1


def test_a_failure_comes_after_the_pages_before_it() -> None:
    client = FakeClient({None: _page(1, "a"), "a": PayrollHit("transactions", 3)})
    read = pages(cast(Client, client), LINES, {}, PageSize(1000), _accept)
    assert next(read).number == 1
    with pytest.raises(PayrollHit):
        next(read)
