"""What a run says: sentences for a person, or one JSON object a line for a log collector."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import TextIO

from pipelines.xledger.asking import Progress

_SECONDS_BETWEEN_LINES = 2.0
_SECONDS_BETWEEN_COUNTS = 30.0
_COUNTDOWN = "countdown"


class Console:
    """Counts, rates and sentences; never a row, a variable or a secret. One moving line a table on a terminal."""

    is_structured = False

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._started: dict[str, float] = {}
        self._said_at = 0.0
        self._counted_at = -_SECONDS_BETWEEN_COUNTS
        self._open_table: str | None = None
        self._last_line = ""

    def say(self, line: str, event: str = "note", **counts: int | float | str) -> None:  # noqa: ARG002
        """A line of its own. ``event`` and ``counts`` are for programs: the sentence already holds them."""
        self._close_table()
        print(line, flush=True)

    def fail(self, sentence: str, exit_code: int) -> None:  # noqa: ARG002
        """The last line of a run that failed."""
        self._close_table()
        print(sentence, file=sys.stderr, flush=True)

    def countdown(self, line: str) -> None:
        """How long a wait still takes: on a terminal in one line that changes, else a line now and then."""
        if self._is_terminal:
            if self._open_table != _COUNTDOWN:
                self._close_table()
            self._open_table = _COUNTDOWN
            print(f"\r{line:<79}", end="", flush=True)
        elif time.monotonic() - self._counted_at >= _SECONDS_BETWEEN_COUNTS:
            self._counted_at = time.monotonic()
            self.say(line, "waiting")

    def progress(self, table: str, progress: Progress) -> None:
        """Rows, pages and rows a second of a table that is being read."""
        if table != self._open_table:
            self._close_table()
            self._open_table = table
            self._started.setdefault(table, time.monotonic())
        seconds = max(time.monotonic() - self._started[table], 0.001)
        rate = f", {progress.rows / seconds:,.0f} rows/s" if progress.pages > 1 else ""
        pages = "page" if progress.pages == 1 else "pages"
        self._last_line = f"  {table}: {progress.rows:,} rows, {progress.pages} {pages}{rate}"
        if self._is_terminal:
            print(f"\r{self._last_line:<79}", end="", flush=True)
        elif time.monotonic() - self._said_at > _SECONDS_BETWEEN_LINES:
            print(self._last_line, flush=True)
            self._said_at, self._last_line = time.monotonic(), ""

    def _close_table(self) -> None:
        if self._open_table is None:
            return
        if self._is_terminal:
            print(flush=True)
        elif self._last_line:
            print(self._last_line, flush=True)
        self._open_table, self._last_line = None, ""


class JsonConsole(Console):
    """Each line an object with time (UTC), level, run_id, event and message, and the event's counts beside them."""

    is_structured = True

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self._run_id = run_id
        self._unsaid: tuple[str, int, int] | None = None

    def say(self, line: str, event: str = "note", **counts: int | float | str) -> None:
        self._close_table()
        level = "warning" if line.startswith("Warning: ") else "info"
        self._write(sys.stdout, level, event, {"message": line.strip(), **counts})

    def fail(self, sentence: str, exit_code: int) -> None:
        self._close_table()
        self._write(sys.stderr, "error", "failed", {"message": sentence, "exit_code": exit_code})

    def progress(self, table: str, progress: Progress) -> None:
        if self._unsaid is not None and self._unsaid[0] != table:
            self._close_table()
        self._unsaid = (table, progress.rows, progress.pages)
        if time.monotonic() - self._said_at > _SECONDS_BETWEEN_LINES:
            self._close_table()
            self._said_at = time.monotonic()

    def _close_table(self) -> None:
        if self._unsaid is None:
            return
        table, rows, pages = self._unsaid
        self._unsaid = None
        self._write(sys.stdout, "info", "progress", {"table": table, "rows": rows, "pages": pages})

    def _write(self, stream: TextIO, level: str, event: str, fields: dict[str, str | int | float]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        told = {"time": now, "level": level, "run_id": self._run_id, "event": event} | fields
        print(json.dumps(told, ensure_ascii=False), file=stream, flush=True)


def console_for(log_format: str, run_id: str) -> Console:
    """For a person (``text``), or for a program (``json``)."""
    return JsonConsole(run_id) if log_format == "json" else Console()
