"""The engines, each started once, and ledgers that are shipped to them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.targets import postgres_server
from tests.targets.places import LakePlace, Place, PostgresPlace, SparkPlace
from tests.targets.postgres_server import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server for all tests, each of which has a database of its own."""
    if not postgres_server.IS_INSTALLED:
        pytest.skip("PostgreSQL is not installed; apt-get install postgresql")
    with postgres_server.running() as running:
        yield running


def new_place(kind: str, server: Server) -> Iterator[Place]:
    if kind == "postgres":
        yield PostgresPlace(server)
    elif kind == "spark":
        if shutil.which("java") is None:
            pytest.skip("Java is not installed; apt-get install openjdk-17-jre-headless")
        spark = SparkPlace()
        yield spark
        spark.remove()
    else:
        lake = LakePlace(server if kind == "ducklake_server" else None)
        yield lake
        lake.remove()
