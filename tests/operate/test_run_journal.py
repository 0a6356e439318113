"""The journal has every run, however it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import run_journal
from pipelines.run_journal import journaled, read_journal
from pipelines.xledger.client import Traffic
from pipelines.xledger.errors import ConfigurationError, PayrollStop
from tests.conftest import ROOT


def spend(traffic: Traffic, requests: int) -> None:
    for _ in range(requests):
        traffic.begin(retry=False)
        traffic.add(sent=10, received=1000)


def run_and_raise(data_dir: Path, traffic: Traffic, error: BaseException) -> None:
    with journaled(data_dir, "run-1", "full", traffic):
        spend(traffic, 2)
        raise error


def test_a_run_that_is_done(tmp_path: Path) -> None:
    traffic = Traffic()
    with journaled(tmp_path, "run-1", "full", traffic) as entry:
        spend(traffic, 3)
        entry.published = {"lines": 5}
    (run,) = read_journal(tmp_path)
    assert (run.run_id, run.mode, run.exit_code, run.sentence) == ("run-1", "full", 0, "")
    assert (run.requests, run.bytes_sent, run.bytes_received) == (3, 30, 3000)
    assert run.published == {"lines": 5}
    assert run.ended_at is not None
    assert run.started.tzinfo is not None


@pytest.mark.parametrize(
    ("error", "exit_code", "sentence"),
    [
        pytest.param(PayrollStop("stopped"), 3, "stopped", id="payroll guard"),
        pytest.param(KeyboardInterrupt(), 1, "Interrupted; nothing was published. Run again.", id="interrupted"),
        pytest.param(ZeroDivisionError("row 4711"), 1, "ZeroDivisionError", id="unforeseen, without its text"),
    ],
)
def test_a_run_that_failed(tmp_path: Path, error: BaseException, exit_code: int, sentence: str) -> None:
    with pytest.raises(type(error)):
        run_and_raise(tmp_path, Traffic(), error)
    (run,) = read_journal(tmp_path)
    assert (run.exit_code, run.requests) == (exit_code, 2)
    assert sentence in run.sentence
    assert "4711" not in run.sentence


def test_a_run_that_is_interrupted_as_it_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first line is seen by others before it is written through, and a signal can come in between."""
    written = os.fsync

    def interrupted(_descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", written)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt), journaled(tmp_path, "run-1", "full", Traffic()):
        raise AssertionError
    (run,) = read_journal(tmp_path)
    assert (run.exit_code, run.sentence) == (1, "Interrupted; nothing was published. Run again.")


def test_a_killed_run_leaves_what_it_cost(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from pipelines import run_journal
from pipelines.xledger.client import Traffic
run_journal._SECONDS_BETWEEN_NOTES = 0
traffic = Traffic()
with run_journal.journaled(Path(sys.argv[1]), "run-1", "full", traffic):
    for _ in range(7):
        traffic.begin(retry=False)
        traffic.add(10, 1000)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    (run,) = read_journal(tmp_path)
    assert (run.requests, run.ended_at, run.exit_code) == (7, None, None)


def test_a_half_written_line_loses_no_other_run(tmp_path: Path) -> None:
    for run_id in ("run-1", "run-2"):
        with journaled(tmp_path, run_id, "full", Traffic()):
            assert run_id in {run.run_id for run in read_journal(tmp_path)}
        with (tmp_path / "runs.jsonl").open("a", encoding="utf-8") as file:
            file.write('{"run_id": "torn", "mo')
    assert {run.run_id: run.exit_code for run in read_journal(tmp_path)} == {"run-1": 0, "run-2": 0}


def test_the_counts_are_not_written_after_each_request(tmp_path: Path) -> None:
    traffic = Traffic()
    with journaled(tmp_path, "run-1", "full", traffic):
        spend(traffic, 1000)
    lines = [line for line in (tmp_path / "runs.jsonl").read_text(encoding="utf-8").splitlines() if line]
    assert len(lines) < 10


def test_the_journal_is_private(tmp_path: Path) -> None:
    with journaled(tmp_path, "run-1", "full", Traffic()):
        pass
    assert (tmp_path / "runs.jsonl").stat().st_mode & 0o777 == 0o600


def test_no_run_without_a_journal(tmp_path: Path) -> None:
    (tmp_path / "runs.jsonl").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be written"), journaled(tmp_path, "run-1", "full", Traffic()):
        raise AssertionError("the run began")


def test_a_disk_that_fills_up_does_not_hide_how_the_run_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[object] = []

    def fills_up(*write: object) -> None:
        writes.append(write)
        if len(writes) > 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_journal, "_SECONDS_BETWEEN_NOTES", 0)
    monkeypatch.setattr(run_journal, "_append", fills_up)
    with pytest.raises(PayrollStop):
        run_and_raise(tmp_path, Traffic(), PayrollStop("stopped"))
    assert len(writes) == 4


def test_no_journal_yet(tmp_path: Path) -> None:
    assert read_journal(tmp_path) == []
