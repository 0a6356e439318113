"""What a run says: whole lines where the output is a file, one moving line a table where it is a terminal."""

from __future__ import annotations

import sys
import time

from pipelines.xledger.asking import Progress

_SECONDS_BETWEEN_LINES = 2.0


class Console:
    """Counts, rates and sentences; never a row, a variable or a secret."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._started: dict[str, float] = {}
        self._said_at = 0.0
        self._open_table: str | None = None
        self._last_line = ""

    def say(self, line: str) -> None:
        """A line of its own."""
        self._close_table()
        print(line, flush=True)

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
