"""The month's requests and bytes against the limits of the settings. A month is a calendar month in UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.run_journal import JournalEntry
from pipelines.xledger.client import Traffic
from pipelines.xledger.errors import BudgetUsedUp
from pipelines.xledger.settings import Settings

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Cost:
    """Requests, and bytes in both directions."""

    requests: int
    bytes: int

    @classmethod
    def of(cls, run: JournalEntry | Traffic) -> Cost:
        return cls(run.requests, run.bytes_received + run.bytes_sent)


@dataclass(frozen=True)
class Budget:
    """What the runs before this one have used this month, what the last read of each mode cost, and the limits (None: none)."""

    used: Cost
    last_of_mode: dict[str, Cost]
    most_requests: int | None
    most_bytes: int | None

    @classmethod
    def of(cls, settings: Settings, runs: Sequence[JournalEntry], now: datetime | None = None) -> Budget:
        month = (now or datetime.now(UTC)).strftime("%Y-%m")
        costs = [Cost.of(run) for run in runs if run.started_at.startswith(month)]
        return cls(
            Cost(sum(cost.requests for cost in costs), sum(cost.bytes for cost in costs)),
            {run.mode: Cost.of(run) for run in runs if run.exit_code == 0},
            settings.monthly_requests,
            None if settings.monthly_megabytes is None else settings.monthly_megabytes * MEGABYTE,
        )

    def told(self) -> str:
        """One line for a person."""
        requests = f"{self.used.requests:,} requests" + (f" of {self.most_requests:,}" if self.most_requests else "")
        megabytes = f"{self.used.bytes / MEGABYTE:,.1f} MB" + (
            f" of {self.most_bytes / MEGABYTE:,.0f} MB" if self.most_bytes else ""
        )
        return f"Used this month: {requests}, {megabytes}"

    def limit(self, traffic: Traffic) -> None:
        """Let the run's client send no more than what is left."""
        if self.most_requests is not None:
            traffic.most_requests = self.most_requests - self.used.requests
        if self.most_bytes is not None:
            traffic.most_bytes = self.most_bytes - self.used.bytes

    def refuse_a_read_beyond(self, mode: str) -> None:
        """Before the first data request: would a read like the last one of this mode pass a limit?

        Raises:
            BudgetUsedUp: it would.
        """
        expected = self.last_of_mode.get(mode)
        if expected is None:
            return
        if self.most_requests is not None and self.used.requests + expected.requests > self.most_requests:
            left = max(self.most_requests - self.used.requests, 0)
            raise _beyond(f"{expected.requests:,} requests", f"{left:,}", "monthly_requests")
        if self.most_bytes is not None and self.used.bytes + expected.bytes > self.most_bytes:
            left = max(self.most_bytes - self.used.bytes, 0)
            raise _beyond(f"{expected.bytes / MEGABYTE:,.1f} MB", f"{left / MEGABYTE:,.1f} MB", "monthly_megabytes")


def _beyond(expected: str, left: str, setting: str) -> BudgetUsedUp:
    return BudgetUsedUp(
        f"The last read took {expected}, and {left} of this month's budget are left; no ledger line was asked for and "
        f"nothing was published. Wait for the next month (UTC), or raise {setting}."
    )
