"""Between two syncs: take down what the change feeds tell, before it falls out of the three days that they keep.

A sync every third day would come just too late to read the feeds from where the last one left them. The daily watch over the
age of the data does this on its way, for about ten requests.
"""

from __future__ import annotations

import duckdb

from pipelines.budget import Budget
from pipelines.console import Console
from pipelines.extract import standing_of
from pipelines.lock import exclusive
from pipelines.run_journal import journaled, read_journal
from pipelines.run_record import new_run_id
from pipelines.warehouse import Warehouse
from pipelines.xledger.asking import Asking
from pipelines.xledger.changes import Changes
from pipelines.xledger.client import Traffic
from pipelines.xledger.kept import note_changed
from pipelines.xledger.landing import Landing
from pipelines.xledger.preflight import open_access
from pipelines.xledger.settings import Settings
from pipelines.xledger.standing import Standing

_MODE = "changes"


def note_changes(settings: Settings, warehouse: Warehouse, console: Console) -> None:
    """Note the ids of rows that changed since the last read or note, for the next sync to ask for.

    Raises:
        XledgerError: nothing was noted; the next sync reads the feeds itself, or everything.
    """
    if not warehouse.raw.exists() or Standing.of(warehouse.raw) is None:
        return
    traffic = Traffic()
    with exclusive(warehouse.data_dir), journaled(warehouse.data_dir, new_run_id(), _MODE, traffic):
        Budget.of(settings, read_journal(warehouse.data_dir)).limit(traffic)
        accesses = [
            open_access(token.name, token.secret, settings, traffic, console.say).access for token in settings.tokens
        ]
        standing, why_full = standing_of(warehouse.raw, settings, accesses)
        if standing is None or why_full is not None:
            return
        with duckdb.connect() as connection:
            changes = Changes(Asking(Landing(connection, warehouse.salt()), settings.page_size, lambda *_: None))
            changes.note_heads(accesses)
            if not changes.are_told(accesses):
                return
            changed = changes.since(standing.heads, accesses)
        now = Standing.now(standing.made_with, traffic.server_time, changes.heads)
        note_changed(warehouse.raw, changed, now)
        console.say(f"Noted {sum(map(len, changed.values())):,} changed rows for the next sync")
