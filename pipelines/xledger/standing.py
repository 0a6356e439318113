"""Where a read stood when it began: what the next one needs to know to ask only for what changed since.

It lies in the warehouse file that the read filled, so rows and standing move together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from pipelines.xledger.asking import Access
from pipelines.xledger.changes import Heads
from pipelines.xledger.documents import document
from pipelines.xledger.settings import Settings
from pipelines.xledger.tables import TABLES

# The feeds keep three days; a change shows within half a minute, and a read takes its time to get to them.
_FEEDS_KEEP = timedelta(days=3)
_MARGIN = timedelta(minutes=15)
_LANDED_BY = ("transactions", "ap_transactions", "payroll_transactions", "payroll_ap_transactions")

_TABLES = """
create schema if not exists {database}.fence;
create or replace table {database}.fence.standing (
    made_with varchar, noted_at timestamp, server_noted_at timestamp, has_whole_census boolean);
create or replace table {database}.fence.feed_head (token_name varchar, root varchar, cursor varchar);
"""


@dataclass(frozen=True)
class Standing:
    """Times are UTC: ``noted_at`` by this machine's clock, ``server_noted_at`` by the API's, where it tells one.

    ``made_with`` is a hash over everything that, when it is another, makes what was read before useless; ``has_whole_census``
    says whether ids, types and accounts of all rows lie beside it.
    """

    made_with: str
    noted_at: datetime
    server_noted_at: datetime | None
    heads: Heads
    has_whole_census: bool = True

    @classmethod
    def now(cls, made_with: str, server_time: datetime | None, heads: Heads) -> Standing:
        return cls(made_with, datetime.now(UTC).replace(tzinfo=None), server_time, heads)

    @classmethod
    def of(cls, path: Path) -> Standing | None:
        """The standing that a warehouse file holds; None where it holds none."""
        with duckdb.connect(str(path), read_only=True) as connection:
            return cls.within(connection)

    @classmethod
    def within(cls, connection: duckdb.DuckDBPyConnection) -> Standing | None:
        """The standing in the file that a connection is on."""
        try:
            found = connection.execute("from fence.standing").fetchone()
            heads = connection.execute("from fence.feed_head").fetchall()
        except duckdb.CatalogException:
            return None
        if found is None:
            return None
        made, noted_at, server_noted_at, has_whole_census = found
        cursors = {(name, root): cursor for name, root, cursor in heads}
        return cls(made, noted_at, server_noted_at, cursors, has_whole_census)

    def write(self, connection: duckdb.DuckDBPyConnection, database: str) -> None:
        """Put it into an attached warehouse file."""
        connection.execute(_TABLES.format(database=database))
        connection.execute(
            f"insert into {database}.fence.standing values (?, ?, ?, ?)",
            [self.made_with, self.noted_at, self.server_noted_at, self.has_whole_census],
        )
        heads = [[name, root, cursor] for (name, root), cursor in self.heads.items()]
        connection.executemany(f"insert into {database}.fence.feed_head values (?, ?, ?)", heads)

    def why_full(self, made_with: str, server_time: datetime | None) -> str | None:
        """Why everything has to be read again; None where what changed is enough."""
        if made_with != self.made_with:
            return "the settings, the token's company or this program's tables are not those of the last read"
        ages = [datetime.now(UTC).replace(tzinfo=None) - self.noted_at]
        if server_time is not None and self.server_noted_at is not None:
            ages.append(server_time - self.server_noted_at)
        if max(ages) > _FEEDS_KEEP - _MARGIN:
            return "the last read began more than three days ago, and the change feeds keep no more"
        if min(ages) < -_MARGIN:
            return "the last read began later than now, so a clock was set back"
        return None


def made_with(settings: Settings, accesses: Sequence[Access]) -> str:
    """A hash over the address, the companies, what counts as payroll, and how rows are asked for and kept."""
    told = {
        "api_url": settings.api_url,
        "companies": sorted((access.name, access.company_db_id) for access in accesses),
        "payroll_document_types": sorted(code.upper() for code in settings.payroll_document_types),
        "payroll_account_ranges": {
            chart: list(map(list, ranges)) for chart, ranges in settings.payroll_account_ranges.items()
        },
        "documents": [access.capabilities.fit(document(name)).text for access in accesses for name in _LANDED_BY],
        "tables": {
            name: [(column.name, column.kind.value, column.path) for column in table.columns]
            for name, table in TABLES.items()
        },
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
