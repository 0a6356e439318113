"""Sandboxes for these tests: one with the default ledger for all that only read, small ones for what changes or breaks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from graphql_client import Client

from pipelines.sandbox import Sandbox, SandboxOptions, running

SMALL = SandboxOptions(lines=1_000, employees=2)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The default ledger; nothing may be changed in it."""
    with running(SandboxOptions()) as started:
        yield started


@pytest.fixture(scope="session")
def client(sandbox: Sandbox) -> Client:
    """A plain client of the default ledger."""
    return Client(sandbox.url, sandbox.token)
