"""What a run says, to a person and to a log collector."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from pipelines.console import Console, JsonConsole, console_for
from pipelines.xledger.asking import Progress


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_every_json_line_tells_time_level_run_and_event(capsys: pytest.CaptureFixture[str]) -> None:
    console = console_for("json", "run-1")
    console.say("Reading")
    console.say("Warning: a file can be read by others", "note")
    console.say("Published: 3 lines", "published", spend_lines=3)
    console.progress("transaction", Progress(10, 1))
    console.fail("The run failed; run again.", 1)
    captured = capsys.readouterr()
    said = lines(captured.out)
    assert [(line["level"], line["event"]) for line in said] == [
        ("info", "note"),
        ("warning", "note"),
        ("info", "published"),
        ("info", "progress"),
    ]
    assert said[2]["spend_lines"] == 3
    (failed,) = lines(captured.err)
    assert (failed["level"], failed["event"], failed["exit_code"]) == ("error", "failed", 1)
    for line in [*said, failed]:
        assert line["run_id"] == "run-1"
        assert datetime.fromisoformat(str(line["time"])).tzinfo == UTC


def test_a_line_break_in_a_sentence_stays_inside_its_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    JsonConsole("run-1").say("one\ntwo")
    (line,) = lines(capsys.readouterr().out)
    assert line["message"] == "one\ntwo"


def test_the_last_count_of_each_table_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    console = JsonConsole("run-1")
    for rows in range(1, 101):
        console.progress("transaction", Progress(rows, rows))
    console.progress("supplier", Progress(7, 1))
    console.say("done")
    told = [(line["table"], line["rows"]) for line in lines(capsys.readouterr().out) if line["event"] == "progress"]
    assert told[-2:] == [("transaction", 100), ("supplier", 7)]
    assert len(told) < 10


def test_a_person_reads_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    console = console_for("text", "run-1")
    assert type(console) is Console
    console.say("Published: 3 lines", "published", spend_lines=3)
    console.fail("The run failed; run again.", 1)
    assert tuple(capsys.readouterr()) == ("Published: 3 lines\n", "The run failed; run again.\n")
