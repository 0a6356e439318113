"""One token for each company of the group; a token sees its own company and those below it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping

from pipelines.sandbox.errors import ApiError

TOKEN_VARIABLE = "SANDBOX_TOKEN"  # noqa: S105
_SCHEME = "token "


def make_tokens(owners: Iterable[int]) -> dict[int, str]:
    """Random tokens by owner; the first owner's may be given by the environment, never on the command line."""
    tokens = {owner: secrets.token_urlsafe(32) for owner in owners}
    given = os.environ.get(TOKEN_VARIABLE)
    if given:
        tokens[next(iter(tokens))] = given
    return tokens


def owner_of(header: str | None, tokens: Mapping[int, str], status: int) -> int:
    """The owner that the Authorization header speaks for.

    Raises:
        ApiError: not of the form `token <TOKEN>`, or a token that nobody made.
    """
    if header is None or not header.startswith(_SCHEME) or not header.removeprefix(_SCHEME).strip():
        message = 'Bad format for API Token. Expected header: "Authorization: token <your-token>"'
        raise ApiError(message, "UNAUTHORIZED", None, status)
    given = header.removeprefix(_SCHEME).strip()
    for owner, token in tokens.items():
        if secrets.compare_digest(given.encode(), token.encode()):
            return owner
    raise ApiError("Invalid API token.", "UNAUTHORIZED", None, status)
