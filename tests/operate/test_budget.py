"""A month's limit is shown, counted over every run, and never passed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.budget import MEGABYTE, Budget, Cost
from pipelines.run_journal import JournalEntry, read_journal
from pipelines.sandbox import Sandbox, running
from pipelines.xledger.client import Traffic
from pipelines.xledger.errors import BudgetUsedUp
from pipelines.xledger.settings import Settings, read_settings
from tests.conftest import QUICK, run_module

NOW = datetime(2026, 3, 31, 23, 59, tzinfo=UTC)
RUN = JournalEntry("run", "full", "2026-03-01T00:00:00+00:00", exit_code=0, requests=40, bytes_received=3 * MEGABYTE)


def limited(**limits: int) -> Settings:
    return replace(read_settings(), **limits)


def test_a_month_counts_all_its_runs_and_no_other() -> None:
    runs = [
        replace(RUN, run_id="last month", started_at="2026-02-28T23:59:59+00:00"),
        RUN,
        replace(RUN, run_id="failed", exit_code=1, bytes_sent=MEGABYTE),
        replace(RUN, run_id="killed", exit_code=None, requests=7),
    ]
    assert Budget.of(limited(), runs, NOW).used == Cost(87, 10 * MEGABYTE)


@pytest.mark.parametrize(
    ("limits", "used", "message"),
    [
        pytest.param({"monthly_requests": 80}, 40, None, id="exactly what is left"),
        pytest.param({"monthly_requests": 79}, 40, "took 40 requests, and 39 of", id="one request too many"),
        pytest.param({"monthly_requests": 39}, 40, "took 40 requests, and 0 of", id="passed already"),
        pytest.param({"monthly_megabytes": 6}, 40, None, id="exactly the megabytes left"),
        pytest.param({"monthly_megabytes": 5}, 40, "took 3.0 MB, and 2.0 MB of", id="too many megabytes"),
        pytest.param({}, 40, None, id="no limit"),
    ],
)
def test_a_read_that_would_pass_the_limit_is_refused(limits: dict[str, int], used: int, message: str | None) -> None:
    budget = Budget.of(limited(**limits), [replace(RUN, requests=used)], NOW)
    if message is None:
        budget.refuse_a_read_beyond("full")
    else:
        with pytest.raises(BudgetUsedUp, match=message):
            budget.refuse_a_read_beyond("full")


def test_only_a_run_that_was_done_in_the_same_mode_is_the_measure() -> None:
    runs = [replace(RUN, requests=5), replace(RUN, run_id="failed", exit_code=1, requests=500)]
    budget = Budget.of(limited(monthly_requests=510), runs, NOW)
    budget.refuse_a_read_beyond("full")
    budget.refuse_a_read_beyond("incremental")


def test_the_client_stops_at_the_limit_even_with_many_threads() -> None:
    traffic = Traffic()
    Budget.of(limited(monthly_requests=60), [replace(RUN, requests=40)], NOW).limit(traffic)
    refused = []

    def ask() -> None:
        for _ in range(10):
            try:
                traffic.begin(retry=False)
            except BudgetUsedUp:
                refused.append(1)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (traffic.requests, len(refused)) == (20, 60)


def test_bytes_stop_the_client_as_well() -> None:
    traffic = Traffic()
    Budget.of(limited(monthly_megabytes=4), [RUN], NOW).limit(traffic)
    traffic.begin(retry=False)
    traffic.add(sent=0, received=MEGABYTE)
    with pytest.raises(BudgetUsedUp):
        traffic.begin(retry=False)


def test_told_with_and_without_limits() -> None:
    assert Budget.of(limited(), [RUN], NOW).told() == "Used this month: 40 requests, 3.0 MB"
    budget = Budget.of(limited(monthly_requests=5000, monthly_megabytes=20), [RUN], NOW)
    assert budget.told() == "Used this month: 40 requests of 5,000, 3.0 MB of 20 MB"


@pytest.fixture(scope="module")
def xledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(lines=1000, wire_log=tmp_path_factory.mktemp("budget") / "wire.jsonl") as sandbox:
        yield sandbox


def environment(xledger: Sandbox, data_dir: Path, most: int) -> dict[str, str]:
    return QUICK | {
        "DATA_DIR": str(data_dir),
        "SOURCES__XLEDGER__API_URL": xledger.url,
        "SOURCES__XLEDGER__API_TOKEN": xledger.token,
        "SOURCES__XLEDGER__MONTHLY_REQUESTS": str(most),
    }


def test_a_sync_never_sends_more_than_the_limit(xledger: Sandbox, tmp_path: Path) -> None:
    before = len(xledger.wire())
    completed = run_module("pipelines.sync", environment(xledger, tmp_path, 9))
    assert completed.returncode == 1
    assert completed.stderr.startswith("This month's budget is used up")
    assert len(xledger.wire()) - before == 9
    assert [run.requests for run in read_journal(tmp_path)] == [9]
    again = run_module("pipelines.sync", environment(xledger, tmp_path, 9))
    assert again.returncode == 1
    assert len(xledger.wire()) - before == 9


def test_a_sync_that_would_pass_the_limit_asks_for_no_ledger_line(xledger: Sandbox, tmp_path: Path) -> None:
    last = replace(RUN, started_at=datetime.now(UTC).isoformat(), requests=40)
    (tmp_path / "runs.jsonl").write_text(json.dumps(vars(last)) + "\n", encoding="utf-8")
    before = len(xledger.wire())
    completed = run_module("pipelines.sync", environment(xledger, tmp_path, 79))
    assert completed.returncode == 1
    assert "The last read took 40 requests, and 39 of this month's budget are left" in completed.stderr
    operations = {sent["operation"] for sent in xledger.wire()[before:]}
    assert operations == {"viewer", "IntrospectionQuery", "preflight"}
    checked = run_module("pipelines.check", environment(xledger, tmp_path, 79))
    assert checked.returncode == 1
    assert "Used this month: " in checked.stdout
