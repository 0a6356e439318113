"""Which objects the token may read, and how a missing right is told."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.sandbox.errors import missing_permission

# Types that carry another entity's rows need that entity's right.
_ENTITY_OF = {
    "TransactionDelta": "Transaction",
    "APTransactionDelta": "APTransaction",
    "SupplierDelta": "Supplier",
}


@dataclass(frozen=True)
class Permissions:
    """Read rights of a token: all but those denied."""

    denied: frozenset[str]
    as_null: bool

    def may_read(self, type_name: str) -> bool:
        """Whether objects of the type are shown; where not, they are null or the whole query fails.

        Raises:
            ApiError: the right is missing and the sandbox answers that with an error.
        """
        entity = _ENTITY_OF.get(type_name, type_name)
        if entity not in self.denied:
            return True
        if self.as_null:
            return False
        raise missing_permission(entity)
