"""What can end a run, each with the exit code of `make sync` and one sentence that says what to do.

Messages carry names, counts and ids only: never a row, a variable, a response body or the token.
"""

from __future__ import annotations

NO_DATA = "the answer holds no data"


class XledgerError(Exception):
    """The run failed; nothing was published."""

    exit_code = 1


class ConfigurationError(XledgerError):
    """Something the user set, or has to set, is wrong: settings, token, permission, address, data folder."""

    exit_code = 2


class TokenRejected(ConfigurationError):
    """Xledger does not accept the token."""


class PermissionMissing(ConfigurationError):
    """The token may not read an entity."""

    def __init__(self, entities: tuple[str, ...]) -> None:
        self.entities = entities
        super().__init__(
            f"The token may not read {', '.join(entities)}. In Xledger, open Administration, System Access, GraphQL, "
            f"API tokens, tick read access for {', '.join(entities)} on this token's replacement, and put the new "
            "token in place of the old one."
        )


class Unreachable(ConfigurationError):
    """No connection to the address at all."""


class ApiFailed(XledgerError):
    """Xledger answered, or failed to answer, in a way that no retry mended."""


class QueryRefused(ApiFailed):
    """The API is there, but does not answer this query."""


class RequestTooLarge(QueryRefused):
    """The server refuses the length of a list or of the body: ask with fewer ids."""


class QueryTimedOut(QueryRefused):
    """The server gave up on the query: ask for a smaller page."""


class MalformedResponse(ApiFailed):
    """The body is cut, is no JSON, or is no GraphQL answer."""


class LedgerChanged(ApiFailed):
    """The ledger changed under the read: what came does not fit what the pre-queries saw."""


class FeedsSilent(ApiFailed):
    """The change feeds do not say what changed since the last read, so everything has to be read."""


class UntrustedValue(ApiFailed):
    """A value that its declared type cannot hold exactly."""


class BudgetUsedUp(XledgerError):
    """The month's limit on requests or bytes would be passed."""


class PayrollStop(XledgerError):
    """A payroll guard stopped the run."""

    exit_code = 3


class CompaniesFailed(XledgerError):
    """Of companies that are kept apart, some failed; the exit code is the gravest of theirs."""

    def __init__(self, exit_code: int, sentence: str) -> None:
        self.exit_code = exit_code
        super().__init__(sentence)


class PayrollHit(Exception):
    """A response held rows that the rules of the fence forbid; it was discarded. Internal: leads to one more try."""

    def __init__(self, root: str, rows: int) -> None:
        self.root = root
        self.rows = rows
        super().__init__(f"{rows} forbidden rows in a response to {root}")
