"""Every run with what it cost and how it ended, the failed and killed ones too: one JSON line for each step of a run.

`audit.sync_runs` knows the runs that were published; what a limit on requests has to count is all of them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.exits import DONE, outcome_after
from pipelines.xledger.client import Traffic
from pipelines.xledger.errors import ConfigurationError

_FILE = "runs.jsonl"
_SECONDS_BETWEEN_NOTES = 5.0


@dataclass
class JournalEntry:
    """One run. Times are UTC in ISO form; ``ended_at`` and ``exit_code`` stay empty when the run was killed.

    ``mode`` is full until the run knows better. ``published`` holds the figures of `comparison.py` once the run has published.
    """

    run_id: str
    mode: str
    started_at: str
    ended_at: str | None = None
    exit_code: int | None = None
    sentence: str = ""
    requests: int = 0
    retries: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    published: dict[str, Any] = field(default_factory=dict)

    @property
    def started(self) -> datetime:
        return datetime.fromisoformat(self.started_at)


@contextmanager
def journaled(data_dir: Path, run_id: str, mode: str, traffic: Traffic) -> Iterator[JournalEntry]:
    """Keep the journal of a run: from its first request, now and then while it asks, and when it ends.

    Raises:
        ConfigurationError: the journal cannot be written, so the run's requests would go uncounted.
    """
    entry = JournalEntry(run_id, mode, _now())
    path = data_dir / _FILE
    outcome = DONE
    try:
        # Whoever sees the journal can end the run: that, too, is to be found in it.
        _begin(path, entry)
        traffic.after_request = _Notes(path, entry, traffic)
        yield entry
    except BaseException as error:
        outcome = outcome_after(error)
        raise
    finally:
        entry.ended_at, entry.exit_code, entry.sentence = _now(), outcome.exit_code, outcome.sentence
        _count(entry, traffic)
        # A full disk must not hide how the run ended.
        with suppress(OSError):
            _append(path, entry)


def read_journal(data_dir: Path) -> list[JournalEntry]:
    """All runs in the order in which they began, whatever the clock said then."""
    path = data_dir / _FILE
    if not path.exists():
        return []
    runs: dict[str, JournalEntry] = {}
    known = {field.name for field in fields(JournalEntry)}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            told = json.loads(line)
            entry = JournalEntry(**{name: value for name, value in told.items() if name in known})
        except (ValueError, TypeError, AttributeError):
            continue  # The line of a run that was killed while it wrote.
        runs[entry.run_id] = entry
    return list(runs.values())


def forget_sums(data_dir: Path, names: Collection[str]) -> None:
    """Take these figures out of all earlier runs, for good."""
    path = data_dir / _FILE
    entries = read_journal(data_dir)
    for entry in entries:
        entry.published = {name: value for name, value in entry.published.items() if name not in names}
    fresh = path.with_name(f".{_FILE}")
    fresh.unlink(missing_ok=True)
    for entry in entries:
        _append(fresh, entry)
    fresh.replace(path)


def _begin(path: Path, entry: JournalEntry) -> None:
    try:
        _append(path, entry)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror}); see to room and rights, then run again."
        ) from None


class _Notes:
    """Writes the counts down every few seconds, so that a killed run leaves what it cost."""

    def __init__(self, path: Path, entry: JournalEntry, traffic: Traffic) -> None:
        self._path, self._entry, self._traffic = path, entry, traffic
        self._noted_at = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._noted_at < _SECONDS_BETWEEN_NOTES:
            return
        self._noted_at = time.monotonic()
        _count(self._entry, self._traffic)
        with suppress(OSError):
            _append(self._path, self._entry)


def _count(entry: JournalEntry, traffic: Traffic) -> None:
    entry.requests, entry.retries = traffic.requests, traffic.retries
    entry.bytes_received, entry.bytes_sent = traffic.bytes_received, traffic.bytes_sent


def _append(path: Path, entry: JournalEntry) -> None:
    # The leading line break ends what a killed run may have left half written; empty lines are passed over.
    line = "\n" + json.dumps(asdict(entry), ensure_ascii=False) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
