"""The environment of the programs that a run starts: everything but the secrets."""

from __future__ import annotations

import os

_PREFIXES_THAT_MAY_HOLD_SECRETS = ("SOURCES__XLEDGER__", "ALERTS__", "DESTINATION__", "CREDENTIALS", "SPARK__")


def without_secrets() -> dict[str, str]:
    """A copy of this process's environment without the token, the address of the alerts and the way into the target."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_PREFIXES_THAT_MAY_HOLD_SECRETS)}
