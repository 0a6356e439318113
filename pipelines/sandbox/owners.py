"""The group as a tree of owners, and which of them an ownerSet reaches from the token's own company."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Rows of these types belong to one company's books: a token never sees those of a company above its own.
POSTINGS = frozenset(
    {
        "Transaction", "RecentTransaction", "TransactionHeader", "APTransaction", "ARTransaction", "Timesheet",
        "TransactionDelta", "APTransactionDelta", "SupplierDelta",
    }
)  # fmt: skip


@dataclass(frozen=True)
class OwnerTree:
    """Owners by dbId, each with its parent's dbId (None at the root, the register that all tenants share)."""

    parents: Mapping[int, int | None]

    def reached(self, owner: int, owner_set: str, type_name: str) -> set[int]:
        """Owners whose rows are shown.

        CURRENT the token's company, LOWER it and those below, UPPER it and those above, MINE and ALL both ways: what is known of
        the live API leaves the last two open. Upwards only registers are shared.
        """
        lower = {candidate for candidate in self.parents if owner in self._line(candidate)}
        upper = set(self._line(owner)) if type_name not in POSTINGS else {owner}
        return {"CURRENT": {owner}, "LOWER": lower, "UPPER": upper}.get(owner_set, lower | upper)

    def _line(self, owner: int) -> list[int]:
        line = [owner]
        while (parent := self.parents[line[-1]]) is not None:
            line.append(parent)
        return line
