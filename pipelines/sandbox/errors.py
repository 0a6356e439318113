"""What the API answers when it does not answer with data: GraphQL errors with Xledger's top-level ``code``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """An error body: ``message`` and ``code`` side by side, as Xledger writes them."""

    def __init__(
        self,
        message: str,
        code: str = "BAD_REQUEST",
        extensions: Mapping[str, Any] | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.extensions = extensions
        self.status = status
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        """The response body."""
        error: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.extensions:
            error["extensions"] = dict(self.extensions)
        return json.dumps({"errors": [error]}, ensure_ascii=False).encode()


def invalid_query(message: str, status: int) -> ApiError:
    """A query that the schema does not allow; the rule's code in the extensions is GraphQL.NET's."""
    is_unknown_field = message.startswith("Cannot query field")
    rule = "FIELDS_ON_CORRECT_TYPE" if is_unknown_field else "ARGUMENTS_OF_CORRECT_TYPE"
    return ApiError(message, "BAD_REQUEST", {"code": rule}, status)


def missing_permission(entity: str) -> ApiError:
    """The token lacks the read right on an entity."""
    return ApiError(f"Missing permission: {entity}", "FORBIDDEN")
