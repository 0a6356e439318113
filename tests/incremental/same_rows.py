"""Whether two warehouse files hold the same rows of the ledger."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.xledger.tables import TABLES


def differences(one: Path, other: Path) -> dict[str, int]:
    """Number of rows by raw table that stand in one file only; empty when the files agree."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{one}' as one (read_only); attach '{other}' as other (read_only)")
        found = {}
        for name in TABLES:
            rows = [f'from {side}.raw_xledger."{name}"' for side in ("one", "other")]
            sql = f"select count(*) from (({rows[0]} except all {rows[1]}) union all ({rows[1]} except all {rows[0]}))"
            count = connection.execute(sql).fetchone()
            if count and count[0]:
                found[name] = count[0]
    return found
