"""The sandbox of all tests that only read; what changes or breaks something starts a small one of its own (kept_ledger.py)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from graphql_client import Client

from pipelines.sandbox import Sandbox, SandboxOptions, running


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The default ledger; nothing may be changed in it."""
    with running(SandboxOptions()) as started:
        yield started


@pytest.fixture(scope="session")
def client(sandbox: Sandbox) -> Client:
    """A plain client of the default ledger."""
    return Client(sandbox.url, sandbox.token)
