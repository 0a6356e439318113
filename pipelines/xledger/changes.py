"""The change feeds, read for one question: has a row that this run may have read changed since it began?

Facts: `transaction_deltas` and `apTransaction_deltas` have cursors of their own, keep three days, and show a change within
about half a minute; `last: 1` gives the newest cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from pipelines.xledger.asking import LEDGER_OWNERS, Access, Asking
from pipelines.xledger.errors import ApiFailed, PermissionMissing
from pipelines.xledger.landing import Rows, Split
from pipelines.xledger.payroll import AP_TRANSACTIONS, LEDGER_ROOTS, TRANSACTIONS
from pipelines.xledger.tables import Column, Kind, Table

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
    """Where the feeds stood when the run began, and whether they moved over rows below the fence."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._heads: dict[tuple[str, str], str | None] = {}

    def note_heads(self, accesses: Sequence[Access]) -> None:
        """Note the newest cursor of each feed; before the highest ids are noted."""
        for access in accesses:
            for root, (document_name, feed) in _FEEDS.items():
                if not access.capabilities.has_root(feed):
                    continue
                # A feed that does not answer is no reason to stop: without it, the pre-queries run a second time.
                with suppress(ApiFailed, PermissionMissing):
                    page = self._asking.once(access, document_name, _CHANGES, {"last": 1, "ownerSet": LEDGER_OWNERS})
                    self._heads[access.name, root] = page.end_cursor

    def touch_what_was_read(self, accesses: Sequence[Access]) -> bool:
        """Whether a row at or below the highest id noted has changed since; True where there is no feed to tell."""
        return any(self._touch(access, root) for access in accesses for root in LEDGER_ROOTS)

    def _touch(self, access: Access, root: str) -> bool:
        if (access.name, root) not in self._heads:
            return True
        document_name, _ = _FEEDS[root]
        self._asking.landing.forget("census_change")
        variables = {"ownerSet": LEDGER_OWNERS}
        head = self._heads[access.name, root]
        is_touched = False
        for page in self._asking.pages(access, document_name, _CHANGES, variables, after=head):
            ids = page.tables["census_change"].column("db_id").to_pylist()
            is_touched |= any(db_id <= access.highest[root] for db_id in ids)
        return is_touched
