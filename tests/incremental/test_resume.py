"""A long first read that is killed goes on where it was: no page twice, and nothing from before a payroll change."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.sandbox import Sandbox
from tests.conftest import quick_settings, read
from tests.forked import LOADED
from tests.incremental.conftest import Ledger

PAGE_SIZE = 200


def _read(folder: Path, url: str, token: str) -> None:
    read(folder, quick_settings(url, token, page_size=PAGE_SIZE))


def _stalled(*places: str) -> dict[str, Any]:
    """A sandbox that keeps a read waiting at these answers (``transactions@4``), so that it can be killed there."""
    return {"faults": tuple(f"{place}:stall" for place in places), "stall_seconds": 60.0}


def _killed(ledger: Ledger, sandbox: Sandbox, operation: str, answers: int) -> None:
    """A read that is killed when the sandbox has come to so many answers to an operation."""
    process = LOADED.Process(target=_read, args=(ledger.folder / "data", sandbox.url, sandbox.token))
    process.start()
    while sum(request["operation"] == operation for request in sandbox.wire()) < answers:
        assert process.is_alive(), "it ended before it was killed"
        time.sleep(0.01)
    process.kill()
    process.join()


def _rows(sandbox: Sandbox, operation: str, since: int = 0) -> Counter[str]:
    """How often each row of a ledger came."""
    return Counter(
        str(edge["node"]["dbId"])
        for request in sandbox.wire()[since:]
        if request["operation"] == operation
        for edge in (_answer(request).get(operation) or {}).get("edges") or []
    )


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(request["response"])["data"]
    return answer


@pytest.mark.parametrize("offered", [{}, {"document_type_filter": False}], ids=["filters", "no_filters"])
def test_a_killed_read_goes_on_and_asks_for_no_page_twice(ledger: Ledger, offered: dict[str, Any]) -> None:
    with ledger.served(**offered, **_stalled("transactions@4", "apTransactions@3")) as sandbox:
        _killed(ledger, sandbox, "transactions", 4)
        _killed(ledger, sandbox, "apTransactions", 3)
        read = ledger.read(sandbox, page_size=PAGE_SIZE)
        came = _rows(sandbox, "transactions")
        assert ledger.differences_from_a_full_read(sandbox) == {}
    assert any(line.startswith("Going on with the read that was cut off") for line in read.said)
    # What the process had on its way when it was killed may come again: pages that had been asked for ahead.
    assert sum(count > 1 for count in came.values()) <= 2 * 3 * PAGE_SIZE
    assert sum(came.values()) < 2 * len(came)
    assert sorted(path.name for path in read.warehouse.build.iterdir()) == ["warehouse.duckdb"]


def test_pages_from_before_a_payroll_change_are_not_trusted(ledger: Ledger) -> None:
    with ledger.served(document_type_filter=False, **_stalled("apTransactions@3")) as sandbox:
        _killed(ledger, sandbox, "apTransactions", 3)
        assert sandbox.truth_path
        with duckdb.connect(str(sandbox.truth_path), read_only=True) as truth:
            headers = truth.execute(
                "select distinct header_db_id from truth.line where document_type = 'BA' and not is_payroll order by 1 limit 5"
            ).fetchall()
        sandbox.mutate(*({"retype": {"header": header, "document_type": "PR"}} for (header,) in headers))
        read = ledger.read(sandbox, page_size=PAGE_SIZE)
        assert ledger.differences_from_a_full_read(sandbox) == {}
    assert any(line.startswith("Going on") for line in read.said)
    of_headers = ", ".join(str(header) for (header,) in headers)
    assert read.query(f'select count(*) from raw_xledger."transaction" where header_db_id in ({of_headers})') == [(0,)]


def test_a_read_of_other_settings_goes_on_with_nothing(ledger: Ledger) -> None:
    with ledger.served(**_stalled("transactions@4")) as sandbox:
        _killed(ledger, sandbox, "transactions", 4)
        read = ledger.read(sandbox, page_size=PAGE_SIZE, payroll_document_types=("PR", "AP"))
    assert any(line.startswith("Reading everything") for line in read.said)


@pytest.mark.parametrize("damage", ["page", "workbench"])
def test_what_cannot_be_read_any_more_is_read_from_the_api(ledger: Ledger, damage: str) -> None:
    with ledger.served(**_stalled("transactions@4")) as sandbox:
        _killed(ledger, sandbox, "transactions", 4)
        build = ledger.folder / "data" / "build"
        damaged = build / "workbench.duckdb" if damage == "workbench" else sorted((build / "pages").glob("*.arrow"))[0]
        damaged.write_bytes(damaged.read_bytes()[:100])
        ledger.read(sandbox, page_size=PAGE_SIZE)
        assert ledger.differences_from_a_full_read(sandbox) == {}
