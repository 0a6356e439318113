"""A ledger that changes while it is read: every mutation, what it leaves behind, and what the change feeds say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql_client import Client
from kept_ledger import SMALL

from pipelines.sandbox import Sandbox, running

_HEADER = "header { dbId modifiedAt transactionSource { code } }"


@pytest.fixture
def alive() -> Iterator[tuple[Sandbox, Client]]:
    with running(SMALL) as sandbox:
        yield sandbox, Client(sandbox.url, sandbox.token)


Alive = tuple[Sandbox, Client]


def _changes(client: Client, feed: str = "transaction_deltas", after: str | None = None) -> list[tuple[str, int]]:
    query = f"query ($after: String) {{ {feed}(first: 10000, after: $after) {{ edges {{ node {{ dbId mutationType }} }} }} }}"
    edges = client.data(query, {"after": after})[feed]["edges"] or []
    return [(edge["node"]["mutationType"], int(edge["node"]["dbId"])) for edge in edges]


def _head(client: Client, feed: str = "transaction_deltas") -> str | None:
    edges = client.data(f"{{ {feed}(last: 1) {{ edges {{ cursor }} }} }}")[feed]["edges"]
    return edges[0]["cursor"] if edges else None


def _line(client: Client, db_id: int, fields: str) -> Any:
    query = f'{{ transactions(first: 1, filter: {{ dbId: "{db_id}" }}) {{ edges {{ node {{ {fields} }} }} }} }}'
    edges = client.data(query)["transactions"]["edges"]
    return edges[0]["node"] if edges else None


def _posting(client: Client, **more: Any) -> dict[str, Any]:
    owner = client.data("{ viewer { entity { ownerDbId } } }")["viewer"]["entity"]["ownerDbId"]
    lines = [{"account": "6800", "amount": "1250.50", "text": "Ny"}, {"account": "1920", "amount": "-1250.50"}]
    return {"post": {"owner": owner, "document_type": "BA", "lines": lines} | more}


def test_a_posted_voucher_is_new_at_the_end_and_in_the_feed(alive: Alive) -> None:
    sandbox, client = alive
    newest = client.data("{ transactions(last: 1) { edges { cursor node { dbId } } } }")["transactions"]["edges"][0]
    head = _head(client)
    (made,) = sandbox.mutate(_posting(client))
    later = client.data(
        "query ($after: String) { transactions(first: 9, after: $after) { edges { node { dbId amount text } } } }",
        {"after": newest["cursor"]},
    )["transactions"]["edges"]
    assert [(int(edge["node"]["dbId"]), edge["node"]["amount"]) for edge in later] == [
        (made["lines"][0], "1250.50"),
        (made["lines"][1], "-1250.50"),
    ]
    assert _changes(client, after=head) == [("ADDED", db_id) for db_id in made["lines"]]


def test_items_are_posted_with_their_voucher(alive: Alive) -> None:
    sandbox, client = alive
    supplier = client.data("{ suppliers(first: 1, ownerSet: CURRENT) { edges { node { dbId } } } }")["suppliers"][
        "edges"
    ][0]["node"]["dbId"]
    items = [{"supplier": supplier, "amount": "-1250.50", "invoice_number": "NY-1"}]
    (made,) = sandbox.mutate(_posting(client, items=items, document_type="AP"))
    found = list(
        client.nodes(
            "apTransactions", "dbId invoiceNumber subledgerDbId ledgerType { name } transactionHeader { dbId }"
        )
    )[-1]
    assert (found["dbId"], found["invoiceNumber"], found["subledgerDbId"]) == (made["items"][0], "NY-1", supplier)
    assert found["ledgerType"]["name"] == "SUPPLIER"
    assert int(found["transactionHeader"]["dbId"]) == made["header"]
    assert _changes(client, "apTransaction_deltas")[-1] == ("ADDED", made["items"][0])


def test_a_change_is_seen_at_once_but_moves_no_cursor(alive: Alive) -> None:
    sandbox, client = alive
    (made,) = sandbox.mutate(_posting(client))
    tail = client.data("{ transactions(last: 1) { edges { cursor } } }")["transactions"]["edges"][0]["cursor"]
    before = _line(client, made["lines"][0], _HEADER)["header"]["modifiedAt"]
    head = _head(client)
    changed = [
        {"line": made["lines"][0], "amount": "99.00", "text": "Rettet"},
        {"line": made["lines"][1], "amount": "-99.00"},
    ]
    sandbox.mutate({"change": {"header": made["header"], "lines": changed}})
    line = _line(client, made["lines"][0], f"amount text {_HEADER}")
    assert (line["amount"], line["text"]) == ("99.00", "Rettet")
    assert line["header"]["modifiedAt"] > before
    assert _changes(client, after=head) == [("UPDATED", db_id) for db_id in made["lines"]]
    following = client.data(
        "query ($a: String) { transactions(first: 1, after: $a) { edges { cursor } } }", {"a": tail}
    )
    assert following["transactions"]["edges"] is None


def test_a_retyped_voucher_has_the_new_type_everywhere(alive: Alive) -> None:
    sandbox, client = alive
    item = next(client.nodes("apTransactions", "dbId headerTransactionSourceDbId transactionHeader { dbId }", page=1))
    sandbox.mutate({"retype": {"header": int(item["transactionHeader"]["dbId"]), "document_type": "PR"}})
    conditions = f"{{ dbId: {item['dbId']}, headerTransactionSourceDbId: 622 }}"
    found = client.data(f"{{ apTransactions(first: 1, filter: {conditions}) {{ edges {{ cursor }} }} }}")
    assert found["apTransactions"]["edges"]
    typed = client.nodes("transactions", _HEADER, arguments="filter: { headerTransactionSourceDbId: 622 }")
    codes = {
        line["header"]["transactionSource"]["code"]
        for line in typed
        if line["header"]["dbId"] == item["transactionHeader"]["dbId"]
    }
    assert codes == {"PR"}
    assert ("UPDATED", item["dbId"]) in _changes(client, "apTransaction_deltas")


def test_a_deleted_voucher_is_gone_and_its_ids_are_not_used_again(alive: Alive) -> None:
    sandbox, client = alive
    (made,) = sandbox.mutate(_posting(client))
    sandbox.mutate({"delete": {"header": made["header"]}})
    assert _line(client, made["lines"][0], "dbId") is None
    assert _changes(client)[-2:] == [("DELETED", db_id) for db_id in made["lines"]]
    query = "{ transaction_deltas(last: 1) { edges { node { dbId mutationType text amount } } } }"
    gone = client.data(query)["transaction_deltas"]["edges"][0]["node"]
    assert (gone["text"], gone["amount"]) == (None, None)
    (again,) = sandbox.mutate(_posting(client))
    assert min(again["lines"]) > max(made["lines"])


def test_a_renamed_supplier(alive: Alive) -> None:
    sandbox, client = alive
    supplier = next(client.nodes("suppliers", "dbId modifiedAt", page=1))
    sandbox.mutate({"rename_supplier": {"supplier": supplier["dbId"], "name": "Nytt Navn AS"}})
    since = f'filter: {{ modifiedAt_gte: "{supplier["modifiedAt"]}", dbId: {supplier["dbId"]} }}'
    renamed = next(client.nodes("suppliers", "description modifiedAt company { description }", arguments=since))
    assert renamed["description"] == renamed["company"]["description"] == "Nytt Navn AS"
    assert renamed["modifiedAt"] > supplier["modifiedAt"]
    assert _changes(client, "supplier_deltas") == [("UPDATED", supplier["dbId"])]


def test_changes_are_kept_for_three_days(alive: Alive) -> None:
    sandbox, client = alive
    (made,) = sandbox.mutate(_posting(client))
    cursor = _head(client)
    sandbox.mutate({"move_clock": {"seconds": 3 * 86_400 - 60}})
    assert ("ADDED", made["lines"][0]) in _changes(client)
    sandbox.mutate({"move_clock": {"seconds": 120}})
    assert _changes(client) == []
    (later,) = sandbox.mutate(_posting(client))
    assert _changes(client, after=cursor) == [("ADDED", db_id) for db_id in later["lines"]]


def test_a_batch_is_done_whole_or_not_at_all(alive: Alive) -> None:
    sandbox, client = alive
    before = [node["dbId"] for node in client.nodes("transactions", "dbId")]
    unbalanced = _posting(client, lines=[{"account": "6800", "amount": "1.00"}])
    for refused in (
        unbalanced,
        {"delete": {"header": 1}},
        {"nonsense": {}},
        {"delete": {}},
        {"retype": {"header": 1, "document_type": "?"}},
    ):
        with pytest.raises(ValueError, match="refused"):
            sandbox.mutate(_posting(client), refused)
    assert [node["dbId"] for node in client.nodes("transactions", "dbId")] == before


def test_random_mutations_are_the_same_for_the_same_seed() -> None:
    ledgers = []
    for _ in range(2):
        with running(SMALL) as sandbox:
            client = Client(sandbox.url, sandbox.token)
            sandbox.mutate({"random": {"seed": 11, "count": 40}})
            ledgers.append(list(client.nodes("transactions", f"dbId text amount {_HEADER}")))
            sums: dict[str, int] = {}
            for line in ledgers[-1]:
                header = line["header"]["dbId"]
                sums[header] = sums.get(header, 0) + round(float(line["amount"]) * 100)
            assert set(sums.values()) == {0}
            assert {kind for kind, _ in _changes(client)} == {"ADDED", "UPDATED", "DELETED"}
    assert ledgers[0] == ledgers[1]


def test_a_scenario_plays_between_two_requests(tmp_path: Path) -> None:
    owner = 21_000
    lines = [{"account": "5000", "amount": "12345.67", "text": "Lønn"}, {"account": "1920", "amount": "-12345.67"}]
    scenario = tmp_path / "race.json"
    scenario.write_text(
        json.dumps(
            [
                {"before": "lines@2", "do": [{"post": {"owner": owner, "document_type": "PR", "lines": lines}}]},
                {"before": 3, "do": [{"move_clock": {"seconds": 60}}]},
            ]
        )
    )
    with running(SMALL, scenario=scenario) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        query = "query lines { transactions(last: 1) { edges { node { text amount } } } }"
        first, second = (client.post(query, operation="lines").json["data"] for _ in range(2))
        assert first["transactions"]["edges"][0]["node"]["amount"] != "-12345.67"
        assert second["transactions"]["edges"][0]["node"]["amount"] == "-12345.67"


@pytest.mark.parametrize("content", ["{", '{"before": 1}', '[{"before": 1}]'])
def test_a_scenario_that_makes_no_sense_stops_the_start(tmp_path: Path, content: str) -> None:
    scenario = tmp_path / "bad.json"
    scenario.write_text(content)
    with pytest.raises(RuntimeError, match="did not start"), running(SMALL, scenario=scenario):
        pass


def test_only_who_holds_a_token_can_change_the_ledger(alive: Alive) -> None:
    sandbox, client = alive
    response = Client(sandbox.url, "wrong").send(b"[]", {"Authorization": "token wrong"}, path="/control")
    assert response.status == 401
    assert client.send(b"[]", {"Authorization": f"token {client.token}"}, path="/control").json == []
