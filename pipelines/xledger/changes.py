"""The change feeds: which rows of both ledgers changed since a cursor.

Facts: `transaction_deltas` and `apTransaction_deltas` have cursors of their own, keep three days, and show a change within
about half a minute; `last: 1` gives the newest cursor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from pipelines.xledger.asking import LEDGER_OWNERS, Access, Asked, Asking
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
_ROWS_OF = {TRANSACTIONS: "line", AP_TRANSACTIONS: "item"}


def _changes(root: str) -> Rows:
    """Rows of one feed: an id of one ledger says nothing about the other."""
    columns = (Column("owner_db_id", Kind.ID, ("ownerDbId",)), Column("db_id", Kind.ID, ("dbId",)))
    return Rows((Split(Table(f"census_changed_{_ROWS_OF[root]}", "", columns)),))


class Changes:
    """Where the feeds stood when the run began, and what they tell since."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self.heads: dict[tuple[str, str], str | None] = {}

    def note_heads(self, accesses: Sequence[Access]) -> None:
        """Note the newest cursor of each feed; before the highest ids are noted."""
        for access in accesses:
            asked = {
                root: Asked(document_name, _changes(root), {"last": 1, "ownerSet": LEDGER_OWNERS})
                for root, (document_name, feed) in _FEEDS.items()
                if access.capabilities.has_root(feed)
            }
            pages = self._asking.first_pages(access, list(asked.values()))
            for (root, feed), page in zip(asked.items(), pages, strict=True):
                # A feed that does not answer is no reason to stop: without it, everything is read.
                with suppress(ApiFailed, PermissionMissing):
                    newest = page or self._asking.once(access, feed.document_name, feed.rows, feed.variables)
                    self.heads[access.name, root] = newest.end_cursor

    def are_told(self, accesses: Sequence[Access]) -> bool:
        """Whether every ledger of every token has a feed that answers."""
        return all((access.name, root) in self.heads for access in accesses for root in LEDGER_ROOTS)

    def catch_up(self, heads: Heads, accesses: Sequence[Access]) -> ChangedIds:
        """What changed after these cursors; the newest that come with it are the feeds' heads from now on.

        Raises:
            ApiFailed, PermissionMissing: a feed does not answer.
        """
        self.heads = dict(heads)
        return self._read(heads, accesses, self.heads)

    def since(self, heads: Heads, accesses: Sequence[Access]) -> ChangedIds:
        """Ids of all rows that were added, changed or deleted after these cursors.

        Raises:
            ApiFailed, PermissionMissing: a feed does not answer.
        """
        return self._read(heads, accesses, {})

    def _read(self, heads: Heads, accesses: Sequence[Access], newest: dict[tuple[str, str], str | None]) -> ChangedIds:
        changed: dict[str, set[int]] = {root: set() for root in LEDGER_ROOTS}
        for access in accesses:
            feeds = [self._feed(access, root, heads) for root in _FEEDS]
            for root, pages in zip(_FEEDS, self._asking.all_of(access, feeds), strict=True):
                for page in pages:
                    (rows,) = page.tables.values()
                    changed[root].update(rows.column("db_id").to_pylist())
                    if page.end_cursor is not None:
                        newest[access.name, root] = page.end_cursor
        return changed

    def _feed(self, access: Access, root: str, heads: Heads) -> Asked:
        rows = _changes(root)
        self._asking.landing.forget(rows.splits[0].table.name)
        head = heads[access.name, root]
        after = {} if head is None else {"after": head}
        return Asked(_FEEDS[root][0], rows, {"ownerSet": LEDGER_OWNERS, **after})
