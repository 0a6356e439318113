"""The change feeds: which rows of both ledgers changed since a cursor.

Facts: `transaction_deltas` and `apTransaction_deltas` have cursors of their own, keep three days, and show a change within
about half a minute; `last: 1` gives the newest cursor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from pipelines.xledger.asking import LEDGER_OWNERS, Access, Asking
from pipelines.xledger.errors import ApiFailed, PermissionMissing
from pipelines.xledger.landing import Rows, Split
from pipelines.xledger.payroll import AP_TRANSACTIONS, LEDGER_ROOTS, TRANSACTIONS
from pipelines.xledger.tables import Column, Kind, Table

# The cursor of a feed by token name and root; None: the feed was empty.
Heads = Mapping[tuple[str, str], str | None]
# Ids by root.
ChangedIds = Mapping[str, set[int]]

_FEEDS = {
    TRANSACTIONS: ("transaction_deltas", "transaction_deltas"),
    AP_TRANSACTIONS: ("ap_transaction_deltas", "apTransaction_deltas"),
}
_CHANGES = Rows(
    (
        Split(
            Table(
                "census_change",
                "",
                (Column("owner_db_id", Kind.ID, ("ownerDbId",)), Column("db_id", Kind.ID, ("dbId",))),
            )
        ),
    )
)


class Changes:
    """Where the feeds stood when the run began, and what they tell since."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self.heads: dict[tuple[str, str], str | None] = {}

    def note_heads(self, accesses: Sequence[Access]) -> None:
        """Note the newest cursor of each feed; before the highest ids are noted."""
        for access in accesses:
            for root, (document_name, feed) in _FEEDS.items():
                if not access.capabilities.has_root(feed):
                    continue
                # A feed that does not answer is no reason to stop: without it, everything is read.
                with suppress(ApiFailed, PermissionMissing):
                    page = self._asking.once(access, document_name, _CHANGES, {"last": 1, "ownerSet": LEDGER_OWNERS})
                    self.heads[access.name, root] = page.end_cursor

    def are_told(self, accesses: Sequence[Access]) -> bool:
        """Whether every ledger of every token has a feed that answers."""
        return all((access.name, root) in self.heads for access in accesses for root in LEDGER_ROOTS)

    def since(self, heads: Heads, accesses: Sequence[Access]) -> ChangedIds:
        """Ids of all rows that were added, changed or deleted after these cursors.

        Raises:
            ApiFailed, PermissionMissing: a feed does not answer.
        """
        changed: dict[str, set[int]] = {root: set() for root in LEDGER_ROOTS}
        for access in accesses:
            for root, (document_name, _) in _FEEDS.items():
                self._asking.landing.forget("census_change")
                after = heads[access.name, root]
                variables = {"ownerSet": LEDGER_OWNERS}
                for page in self._asking.pages(access, document_name, _CHANGES, variables, after=after):
                    changed[root].update(page.tables["census_change"].column("db_id").to_pylist())
        return changed
