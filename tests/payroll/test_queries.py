"""The text of every query that can be sent, and the variables that go with it: adding a field is a reviewed act.

After a wanted change: `python -m tests.payroll.test_queries` writes `queries.txt` anew; its diff is what to review.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipelines.sandbox import SandboxOptions
from pipelines.sandbox.schema import live_schema
from pipelines.xledger import entities, preflight
from pipelines.xledger.asking import Access, Asking
from pipelines.xledger.capabilities import Capabilities
from pipelines.xledger.documents import document
from pipelines.xledger.payroll import ALLOWED_OF_PAYROLL, FencedFilter
from tests.payroll.conftest import Done
from tests.wire import documents

GOLDEN = Path(__file__).with_name("queries.txt")
CAPABILITIES = Capabilities(live_schema(SandboxOptions()))


def document_names() -> list[str]:
    folder = resources.files("pipelines.xledger").joinpath("queries")
    return sorted(path.name.removesuffix(".graphql") for path in folder.iterdir() if path.name.endswith(".graphql"))


def rendered() -> str:
    """All documents fitted to the sandbox's schema, and what the preflight asks for."""
    texts = [f"# {name}\n{CAPABILITIES.fit(document(name)).text.strip()}\n" for name in document_names()]
    probes = [f"{entity}: {root} {{ {selection} }}" for entity, (root, selection) in preflight._PROBES.items()]
    inline = re.findall(r'"(query \w+ \{ [^"]*)"', inspect.getsource(preflight))
    return "\n".join([*texts, "# preflight", *inline, *probes, ""])


def test_every_text_is_as_reviewed() -> None:
    assert rendered() == GOLDEN.read_text(encoding="utf-8")


def _shape(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_shape(inner)}" for name, inner in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[...]"
    return str(value) if value in ("ALL", "MINE", 1, 2) else type(value).__name__


def test_every_ledger_query_was_sent_with_an_exclusion(done: Done) -> None:
    shapes = {
        (sent["operation"], _shape({name: value for name, value in sent["variables"].items() if name != "after"}))
        for sent in done.wire
        if sent["operation"] in ("transactions", "apTransactions")
    }
    assert shapes == {
        (
            "transactions",
            "{filter: {accountDbId_in: [...], dbId_gt: str, dbId_lte: str, dbId_not_in: [...], "
            "headerTransactionSourceDbId_in: [...]}, first: int, ownerSet: MINE}",
        ),
        (
            "apTransactions",
            "{filter: {dbId_gt: int, dbId_lte: int, dbId_not_in: [...], headerTransactionSourceDbId_in: [...]}, "
            "first: int, ownerSet: MINE}",
        ),
    }


def test_nothing_is_sent_that_is_not_in_the_list(done: Done) -> None:
    texts = {re.sub(r"\s+", " ", CAPABILITIES.fit(document(name)).text).strip() for name in document_names()}
    sent = {(entry["operation"], re.sub(r"\s+", " ", entry["query"]).strip()) for entry in documents(done.wire)}
    preflights = {"viewer", "IntrospectionQuery", "preflight"}
    assert [operation for operation, text in sent if text not in texts and operation not in preflights] == []


def _asking() -> tuple[Asking, Access]:
    landing = SimpleNamespace(land=lambda *_: None)
    asking = Asking(cast(Any, landing), 100, lambda *_: None)
    return asking, Access("test", cast(Any, None), CAPABILITIES)


LEDGER_DOCUMENTS = {"transactions": entities.TRANSACTION_ROWS, "ap_transactions": entities.AP_TRANSACTION_ROWS}


@pytest.mark.parametrize("name", LEDGER_DOCUMENTS)
def test_ledger_rows_cannot_be_asked_for_without_an_exclusion(name: str) -> None:
    asking, access = _asking()
    rows = LEDGER_DOCUMENTS[name]
    with pytest.raises(TypeError):
        next(asking.pages(access, name, rows, {"filter": {"dbId_not_in": ["1"]}}))
    with pytest.raises(TypeError):
        asking.once(access, name, rows)
    with pytest.raises(TypeError):
        next(asking.ledger(access, name, rows, cast(FencedFilter, {"dbId_not_in": ["1"]}), lambda _: None))


@pytest.mark.parametrize(("name", "other"), [("transactions", "apTransactions"), ("ap_transactions", "transactions")])
def test_the_exclusion_of_one_ledger_does_not_serve_for_the_other(name: str, other: str) -> None:
    asking, access = _asking()
    fenced = FencedFilter(cast(Any, SimpleNamespace(root=other)), {}, 0, {})
    with pytest.raises(TypeError):
        next(asking.ledger(access, name, LEDGER_DOCUMENTS[name], fenced, lambda _: None))


def test_what_may_arrive_for_payroll_is_ids_and_codes() -> None:
    leaves: Iterator[str] = (leaf[-1] for allowed in ALLOWED_OF_PAYROLL.values() for leaf in allowed)
    assert set(leaves) == {"dbId", "ownerDbId", "accountDbId", "matchId", "subledgerDbId", "code", "name"}


if __name__ == "__main__":
    GOLDEN.write_text(rendered(), encoding="utf-8")
