"""What a run leaves for the audit, as three small append-only raw tables: the run, its rows by table, the payroll evidence."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from pipelines.xledger.client import Traffic
from pipelines.xledger.payroll import LEDGER_ROOTS
from pipelines.xledger.reading import LedgerReader

_TEXT, _COUNT, _TIME = pa.string(), pa.int64(), pa.timestamp("us")

SYNC_RUN = pa.schema(
    {
        "run_id": _TEXT,
        "started_at": _TIME,
        "landed_at": _TIME,
        "mode": _TEXT,
        "requests": _COUNT,
        "retries": _COUNT,
        "bytes_received": _COUNT,
        "bytes_sent": _COUNT,
    }
)
SYNC_RUN_ENTITY = pa.schema({"run_id": _TEXT, "table_name": _TEXT, "rows": _COUNT, "pages": _COUNT})
PAYROLL_EXCLUSION = pa.schema(
    {
        "run_id": _TEXT,
        "root": _TEXT,
        "rule": _TEXT,
        "excluded_ids": _COUNT,
        "ids_sha256": _TEXT,
        "rows_seen": _COUNT,
        "rows_received": _COUNT,
        "rows_excluded": _COUNT,
    }
)


FULL, INCREMENTAL = "full", "incremental"


def new_run_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class RunRecord:
    """One run; times are UTC. ``mode`` is full, or incremental."""

    mode: str
    run_id: str = field(default_factory=new_run_id)
    started_at: datetime = field(default_factory=_now)

    def tables(self, reader: LedgerReader, traffic: Traffic) -> Mapping[str, pa.Table]:
        """The three tables, once all rows have been read."""
        run = {
            "run_id": self.run_id,
            "started_at": self.started_at,
            "landed_at": _now(),
            "mode": self.mode,
            "requests": traffic.requests,
            "retries": traffic.retries,
            "bytes_received": traffic.bytes_received,
            "bytes_sent": traffic.bytes_sent,
        }
        read = [
            {"run_id": self.run_id, "table_name": name, "rows": rows, "pages": reader.progress[name].pages}
            for name, rows in sorted(reader.rows(whole=self.mode == FULL).items())
        ]
        return {
            "sync_run": pa.Table.from_pylist([run], SYNC_RUN),
            "sync_run_entity": pa.Table.from_pylist(read, SYNC_RUN_ENTITY),
            "payroll_exclusion": pa.Table.from_pylist(list(self._evidence(reader)), PAYROLL_EXCLUSION),
        }

    def _evidence(self, reader: LedgerReader) -> Iterable[dict[str, object]]:
        totals = {root: self._totals(reader, root) for root in LEDGER_ROOTS}
        for evidence in reader.fence.evidence():
            yield {
                "run_id": self.run_id,
                "root": evidence.root,
                "rule": evidence.rule,
                "excluded_ids": evidence.excluded_ids,
                "ids_sha256": evidence.ids_sha256,
            } | totals[evidence.root]

    def _totals(self, reader: LedgerReader, root: str) -> dict[str, int]:
        received, excluded = reader.received(root), reader.fence.excluded(root)
        seen = reader.fence.seen(root)
        return {
            "rows_seen": received + excluded if seen is None else seen,
            "rows_received": received,
            "rows_excluded": excluded,
        }
