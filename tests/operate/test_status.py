"""What `make status` tells: age, runs, rows, changes, the next run; and what it does as a watch."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines import status, timers
from pipelines.alerts import AlertSettings
from pipelines.console import Console
from pipelines.run_journal import JournalEntry
from pipelines.status import Published, freshness, read_published
from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import XledgerError
from tests.conftest import run_module

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
RUN = JournalEntry(
    "run-2",
    "full",
    "2026-03-10T04:37:00+00:00",
    ended_at="2026-03-10T04:39:30+00:00",
    exit_code=0,
    requests=1200,
    bytes_received=5_000_000,
)


def publish(data_dir: Path, age: timedelta) -> Warehouse:
    """A published file with three runs of 90, 100 and 130 lines; the middle one was incremental."""
    data_dir.mkdir(exist_ok=True)
    landed_at = (datetime.now(UTC) - age).replace(tzinfo=None)
    with duckdb.connect(str(data_dir / "spend.duckdb")) as connection:
        connection.execute(
            "create schema audit; create table audit.sync_runs (run_id varchar, mode varchar, landed_at timestamp);"
            "create table audit.sync_run_entities (run_id varchar, table_name varchar, rows_landed bigint)"
        )
        for number, (mode, rows) in enumerate([("full", 90), ("incremental", 100), ("full", 130)]):
            run = f"run-{number}"
            connection.execute(
                "insert into audit.sync_runs values (?, ?, ?)", [run, mode, landed_at - timedelta(days=2 - number)]
            )
            connection.execute("insert into audit.sync_run_entities values (?, 'transaction', ?)", [run, rows])
    return Warehouse(data_dir)


def test_rows_are_compared_with_the_last_run_of_the_same_mode(tmp_path: Path) -> None:
    published = read_published(publish(tmp_path, timedelta(hours=1)))
    assert published is not None
    assert list(published.rows) == [("transaction", 130, 90)]


@pytest.mark.parametrize(
    ("age", "told"),
    [
        pytest.param(timedelta(days=4), "", id="at the threshold"),
        pytest.param(timedelta(days=4, hours=3), "4.1 days old, more than 4 days", id="beyond it"),
        pytest.param(timedelta(days=-9), "dated 9.0 days in the future", id="a clock that was ahead"),
        pytest.param(timedelta(hours=-23), "", id="a clock that is a little behind"),
        pytest.param(None, "Nothing has been published yet", id="nothing published"),
    ],
)
def test_freshness(age: timedelta | None, told: str) -> None:
    published = None if age is None else Published(NOW - age, [])
    said = freshness(published, AlertSettings(), NOW)
    assert told in said
    assert bool(said) == bool(told)


def test_a_run_of_a_clock_that_was_ahead_does_not_make_old_data_young(tmp_path: Path) -> None:
    warehouse = publish(tmp_path, timedelta(days=9))
    with duckdb.connect(str(warehouse.published)) as connection:
        connection.execute("insert into audit.sync_runs values ('run-9', 'full', timestamp '2999-01-01')")
    published = read_published(warehouse)
    assert published is not None
    assert "9.0 days old" in freshness(published, AlertSettings(), datetime.now(UTC))


def said(data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *runs: object) -> str:
    """What a person without a token is told."""
    sandbox = data_dir / "sandbox"
    sandbox.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(vars(run)) for run in runs]
    (sandbox / "runs.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for name in ("SOURCES__XLEDGER__API_TOKEN", "SOURCES__XLEDGER__TOKENS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(data_dir))
    monkeypatch.setattr(status, "next_run", lambda: datetime(2026, 3, 13, 4, 37, tzinfo=UTC))
    status.run(Console(), is_watch=False)
    return capsys.readouterr().out


def test_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    publish_into = tmp_path / "sandbox"
    publish(publish_into, timedelta(hours=12))
    figures = {
        "lines": 4000,
        "suppliers": 145,
        "spend": {"NOK": "1000.5000", "SEK": "7.0000"},
        "spend_before": {"NOK": "1200.0000", "EUR": "3.0000"},
        "lines_new": 12,
        "lines_changed": 3,
        "lines_gone": 1,
        "suppliers_new": 2,
        "suppliers_changed": 1,
        "suppliers_gone": 0,
    }
    text = said(
        tmp_path,
        monkeypatch,
        capsys,
        replace(RUN, run_id="run-1", ended_at=None, exit_code=None),
        replace(RUN, published=figures, started_at="2026-03-10T04:38:00+00:00"),
        replace(
            RUN, run_id="run-3", exit_code=3, sentence="A guard stopped it.", started_at="2026-03-10T05:00:00+00:00"
        ),
    )
    assert "0.5 days old" in text
    assert text.index("run-3") < text.index("run-2") < text.index("run-1")
    for expected in (
        "failed (3)",
        "A guard stopped it.",
        "done in 1.5 min",
        "1,200 requests",
        "killed, or still running",
        "lines: 4,000 (12 new, 3 changed, 1 gone)",
        "suppliers: 145 (2 new, 1 changed, 0 gone)",
        "spend in NOK: 1,000.50 (-199.50)",
        "spend in SEK: 7.00 (+7.00)",
        "spend in EUR: 0.00 (-3.00)",
        "+40",
        "Next run: 2026-03-13 04:37 UTC",
    ):
        assert expected in text, text


def test_before_the_first_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Nothing has been published yet" in said(tmp_path, monkeypatch, capsys)


def test_a_published_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "spend.duckdb").write_text("no database", encoding="utf-8")
    with pytest.raises(XledgerError, match="cannot be read"):
        read_published(Warehouse(tmp_path))


def test_a_watch_calls_when_the_data_are_too_old(tmp_path: Path) -> None:
    publish(tmp_path, timedelta(days=9))
    environment = {
        "DATA_DIR": str(tmp_path),
        "SOURCES__XLEDGER__API_TOKEN": "any",
        "ALERTS__COMMAND": f"tee {tmp_path / 'called'}",
    }
    watched = run_module("pipelines.status", environment, "--alert")
    assert watched.returncode == 1
    told = json.loads((tmp_path / "called").read_text(encoding="utf-8"))
    assert (told["event"], told["exit_code"]) == ("data_too_old", 1)
    assert told["text"] == watched.stderr.strip()
    assert "9.0 days old, more than 4 days" in told["text"]
    (tmp_path / "called").unlink()
    patient = run_module("pipelines.status", environment | {"ALERTS__MAX_AGE_DAYS": "10"}, "--alert")
    assert patient.returncode == 0
    looked = run_module("pipelines.status", environment)
    assert looked.returncode == 0
    assert "9.0 days old, more than 4 days" in looked.stdout
    assert not (tmp_path / "called").exists()


def test_a_watch_without_a_token_is_wrong_and_calls(tmp_path: Path) -> None:
    watched = run_module(
        "pipelines.status", {"DATA_DIR": str(tmp_path), "ALERTS__COMMAND": f"tee {tmp_path / 'called'}"}, "--alert"
    )
    assert watched.returncode == 2
    assert "No token is set" in (tmp_path / "called").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param('[{"next": 1773376620000000, "unit": "t"}]', datetime(2026, 3, 13, 4, 37, tzinfo=UTC), id="timer"),
        pytest.param('[{"next": 0, "unit": "t"}]', None, id="stopped timer"),
        pytest.param("[]", None, id="no timer"),
        pytest.param("", None, id="no answer"),
    ],
)
def test_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, expected: datetime | None) -> None:
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f"#!/bin/sh\necho '{answer}'\n", encoding="utf-8")
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert timers.next_run() == expected


def test_no_systemd_no_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert timers.next_run() is None
