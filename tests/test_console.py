from __future__ import annotations

import sys

import pytest

from pipelines import console as console_module
from pipelines.console import Console
from pipelines.xledger.asking import Progress


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(console_module, "time", fake)
    return fake


def test_a_line_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    Console().say("Reading")
    assert capsys.readouterr() == ("Reading\n", "")


def test_a_file_gets_whole_lines_and_not_too_many(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    for page in range(1, 101):
        clock.now += 0.1
        console.progress("transaction", Progress(rows=page * 10_000, pages=page))
    console.say("done")
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "done"
    assert lines[-2].startswith("  transaction: 1,000,000 rows, 100 pages, ")
    assert 4 <= len(lines) <= 8
    assert all(line.startswith("  transaction: ") for line in lines[:-1])


def test_the_last_line_of_every_table_is_said(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    for table in ("account", "supplier", "company"):
        console.progress(table, Progress(rows=7, pages=1))
    console.say("done")
    assert capsys.readouterr().out.splitlines() == [
        "  account: 7 rows, 1 page",
        "  supplier: 7 rows, 1 page",
        "  company: 7 rows, 1 page",
        "done",
    ]


def test_a_line_is_not_said_twice(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.progress("account", Progress(rows=7, pages=1))
    console.say("done")
    console.say("published")
    assert capsys.readouterr().out.splitlines() == ["  account: 7 rows, 1 page", "done", "published"]


def test_the_rate_is_rows_a_second(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.progress("transaction", Progress(rows=10_000, pages=1))
    clock.now += 10
    console.progress("transaction", Progress(rows=30_000, pages=2))
    assert capsys.readouterr().out.splitlines()[-1] == "  transaction: 30,000 rows, 2 pages, 3,000 rows/s"


def test_a_terminal_gets_one_moving_line_a_table(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    console = Console()
    console.progress("transaction", Progress(rows=10_000, pages=1))
    clock.now += 1
    console.progress("transaction", Progress(rows=20_000, pages=2))
    console.progress("account", Progress(rows=5, pages=1))
    console.say("done")
    out = capsys.readouterr().out
    assert [line.split("\r")[-1].rstrip() for line in out.split("\n")] == [
        "  transaction: 20,000 rows, 2 pages, 20,000 rows/s",
        "  account: 5 rows, 1 page",
        "done",
        "",
    ]
    assert out.count("\n") == 3
