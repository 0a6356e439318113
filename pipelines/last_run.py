"""What the last committed run had, to notice when a new one has suspiciously less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb

from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import PayrollStop, XledgerError
from pipelines.xledger.payroll import LEDGER_ROOTS, PayrollFence

_SMALLEST_SHARE = 0.8
_RAW = "raw_xledger"


@dataclass(frozen=True)
class LastRun:
    """Payroll ids left out by root in the last run, and rows by raw table of the last full one; both empty before the first."""

    excluded: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, warehouse: Warehouse) -> LastRun:
        with duckdb.connect(str(warehouse.raw), read_only=True) as connection:
            tables = connection.execute(
                "select count(*) from information_schema.tables where table_schema = ? and table_name in "
                "('sync_run', 'sync_run_entity', 'payroll_exclusion')",
                [_RAW],
            ).fetchone()
            if tables != (3,):
                return cls()
            last = f"(select run_id from {_RAW}.sync_run order by landed_at desc limit 1)"
            last_full = f"(select run_id from {_RAW}.sync_run where mode = 'full' order by landed_at desc limit 1)"
            excluded = connection.execute(
                f"select root, sum(excluded_ids)::bigint from {_RAW}.payroll_exclusion "
                f"where run_id = {last} and rule = 'type' group by root"
            ).fetchall()
            rows = connection.execute(
                f'select table_name, "rows" from {_RAW}.sync_run_entity where run_id = {last_full}'
            ).fetchall()
        return cls(dict(excluded), dict(rows))

    def refuse_empty_payroll(self, fence: PayrollFence, no_payroll_expected: bool) -> None:
        """Stop where the last run left out payroll and this one finds none to leave out."""
        for root in LEDGER_ROOTS:
            if self.excluded.get(root) and not fence.excluded_by_type(root) and not no_payroll_expected:
                raise PayrollStop(
                    f"The pre-query of {root} found no payroll, although the last run had {self.excluded[root]:,} such rows; "
                    "check the token's permissions and the payroll document types, or set payroll.none_expected = true if "
                    "payroll has left Xledger. Nothing was published."
                )

    def refuse_shrinking(self, rows: Mapping[str, int]) -> None:
        """Stop where a full read brought less than 80 % of the last one."""
        for table, before in sorted(self.rows.items()):
            now = rows.get(table, 0)
            if table in ("transaction", "ap_transaction", "supplier", "account") and now < before * _SMALLEST_SHARE:
                raise XledgerError(
                    f"The read brought {now:,} rows for {table}, the last one {before:,}; nothing was changed. If that is "
                    "right, run `make sync ARGS=--accept-shrink`."
                )
