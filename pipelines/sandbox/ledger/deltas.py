"""The change feeds as they stand when the sandbox starts: what was registered in the last three days, and one older change."""

from __future__ import annotations

import duckdb

_FIRST_POSITION = 77_000_001
_FEEDS = (
    ("TransactionDelta", 'select line."dbId", line."ownerDbId", header."createdAt" as changed from "Transaction" as line '
     'join "TransactionHeader" as header on header."dbId" = line."headerDbId"'),
    ("APTransactionDelta", 'select "dbId", "ownerDbId", "headerCreatedAt" as changed from "APTransaction"'),
)  # fmt: skip


def write_deltas(ledger: duckdb.DuckDBPyConnection) -> None:
    """Fill the feeds of both ledgers; a change of eight days ago is there to be kept back by the retention."""
    for feed, created in _FEEDS:
        ledger.execute(
            f"""
            insert into "{feed}"
            select {_FIRST_POSITION} + row_number() over (order by changed, "dbId"), "dbId", "ownerDbId", 'ADDED', changed
            from ({created}) where changed > (select "now" - interval 8 days from "Clock")
            """
        )
