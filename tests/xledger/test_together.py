"""Several documents in one request: each answer is used as if it had come by itself, and an API that does not want that is asked
for each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from graphql import parse, validate
from responses import SALT, capabilities, node, operation

from pipelines.sandbox import SandboxOptions, running
from pipelines.xledger import entities
from pipelines.xledger.asking import Access, Asked, Asking
from pipelines.xledger.client import Client, Request
from pipelines.xledger.errors import ApiFailed, MalformedResponse, QueryRefused, UntrustedValue
from pipelines.xledger.landing import Landing, Page
from pipelines.xledger.together import in_one_request, keyed
from pipelines.xledger.workbench import workbench
from tests.conftest import quick_settings, read
from tests.incremental.same_rows import differences

REGISTERS = [
    Asked.register("countries", entities.COUNTRY_ROWS),
    Asked("setup", entities.OBJECT_ROWS),
    Asked.register("currencies", entities.CURRENCY_ROWS),
]


class FakeClient:
    """Gives these answers, one a request; an exception is raised instead."""

    def __init__(self, *answers: Mapping[str, Any] | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[Request] = []

    def execute(self, request: Request, accept: Any) -> Any:
        self.asked.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return accept(json.dumps({"data": answer}).encode())


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Asking]:
    with workbench(tmp_path) as connection:
        yield Asking(Landing(connection, SALT), 3, lambda *_: None)


def _access(client: FakeClient) -> Access:
    return Access("test", cast(Client, client), capabilities())


def _rows(document_name: str, *ids: int, more: bool = False) -> dict[str, Any]:
    """A connection with these rows; the cursor of a row is its id."""
    edges = [{"cursor": str(db_id), "node": node(operation(document_name), dbId=db_id)} for db_id in ids]
    return {"edges": edges or None, "pageInfo": {"hasNextPage": more}}


def _setup(db_id: int) -> dict[str, Any]:
    dimension = {"dbId": db_id, "code": "", "description": "", "ownerDbId": 1, "objectKind": {"dbId": 1, "name": ""}}
    entry = {"field": {"code": "1", "name": "one"}, "fieldObject": dimension}
    return {"entity": {"glSetupEntries": [entry]}}


def _ids(pages: Iterator[Page]) -> list[int]:
    return [db_id for page in pages for db_id in next(iter(page.tables.values())).column("db_id").to_pylist()]


def test_what_is_sent_is_valid_and_every_variable_reaches_its_own_root() -> None:
    operations = keyed([operation("countries"), operation("currencies"), operation("countries")])
    request = in_one_request(operations, [{"first": 1}, {"first": 2}, {"after": "x"}])
    assert validate(capabilities()._schema, parse(request.query)) == []
    assert request.variables == {"countries_1_first": 1, "currencies_2_first": 2, "countries_3_after": "x"}
    assert "countries_3: countries" in request.query
    assert "after: $countries_3_after" in request.query


def test_each_answer_is_read_to_its_own_end(asking: Asking) -> None:
    client = FakeClient(
        {
            "countries_1": _rows("countries", 1, 2, 3, more=True),
            "setup_2": _setup(7),
            "currencies_3": _rows("currencies", 1, 9),
        },
        {"countries": _rows("countries", 4)},
    )
    read = [_ids(pages) for pages in asking.all_of(_access(client), REGISTERS)]
    assert read == [[1, 2, 3, 4], [7], [1, 9]]
    assert [request.operation for request in client.asked] == ["countries_and_setup_and_currencies", "countries"]
    assert client.asked[1].variables["after"] == "3"


def test_the_end_of_one_is_not_taken_for_the_end_of_another(asking: Asking) -> None:
    """The last cursor and the last hasNextPage of the body belong to the last root alone."""
    client = FakeClient(
        {"countries_1": _rows("countries"), "setup_2": _setup(7), "currencies_3": _rows("currencies", 1, 9, more=True)}
    )
    pages = asking.first_pages(_access(client), REGISTERS)
    assert [(page.end_cursor, page.has_next_page) for page in pages if page] == [
        (None, False),
        (None, False),
        ("9", True),
    ]


@pytest.mark.parametrize("refusal", [QueryRefused("one at a time"), ApiFailed("gone")], ids=["refused", "failed"])
def test_an_api_that_refuses_is_asked_for_each_and_not_for_several_again(asking: Asking, refusal: ApiFailed) -> None:
    alone = [
        {"countries": _rows("countries", 1)},
        {"viewer": _setup(7)},
        {"currencies": _rows("currencies", 2)},
    ]
    client = FakeClient(refusal, *alone, {"countries": _rows("countries", 3)})
    access = _access(client)
    if not isinstance(refusal, QueryRefused):
        with pytest.raises(ApiFailed):
            asking.first_pages(access, REGISTERS)
        return
    assert [_ids(pages) for pages in asking.all_of(access, REGISTERS)] == [[1], [7], [2]]
    assert asking.first_pages(access, REGISTERS) == [None, None, None]
    assert len(client.asked) == 4


def test_of_an_answer_that_lacks_one_nothing_counts_as_handed_out(asking: Asking) -> None:
    """Otherwise its rows would be left out when they come again."""
    client = FakeClient({"countries_1": _rows("countries", 1), "setup_2": _setup(7)})
    with pytest.raises(MalformedResponse):
        asking.first_pages(_access(client), REGISTERS)
    assert asking.landing.handed_out("country") == 0
    again = FakeClient({"countries": _rows("countries", 1)})
    assert _ids(asking.register(_access(again), "countries", entities.COUNTRY_ROWS)) == [1]


def test_a_value_that_cannot_be_held_is_named_with_its_root(asking: Asking) -> None:
    bad = _rows("countries", 1)
    bad["edges"][0]["node"]["dbId"] = "1.5"
    client = FakeClient({"countries_1": bad, "setup_2": _setup(7), "currencies_3": _rows("currencies", 2)})
    with pytest.raises(UntrustedValue, match="countries"):
        asking.first_pages(_access(client), REGISTERS)


def test_amounts_come_by_themselves(asking: Asking) -> None:
    ledger = Asked("transactions", entities.TRANSACTION_ROWS)
    with pytest.raises(TypeError):
        asking.first_pages(_access(FakeClient()), [ledger, REGISTERS[0]])


@pytest.mark.parametrize("most_roots", [1, 3])
def test_a_read_of_an_api_with_fewer_roots_in_a_query_brings_the_same_rows(tmp_path: Path, most_roots: int) -> None:
    options = SandboxOptions(lines=1_500, hostile=True, ledger_dir=tmp_path / "ledger")
    with running(options) as together:
        usual = read(tmp_path / "usual", quick_settings(together.url, together.token, page_size=400))
    with running(options, most_roots=most_roots) as apart:
        (tmp_path / "apart").mkdir()
        (tmp_path / "apart" / "salt").write_bytes((tmp_path / "usual" / "salt").read_bytes())
        other = read(tmp_path / "apart", quick_settings(apart.url, apart.token, page_size=400))
    assert other.traffic.requests > usual.traffic.requests
    assert differences(usual.warehouse.raw, other.warehouse.raw) == {}
