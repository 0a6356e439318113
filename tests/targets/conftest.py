"""The engines, each started once, and ledgers that are shipped to them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.targets.engine_tests", "tests.targets.landed")

from tests.conftest import sync  # noqa: E402
from tests.targets import postgres_server  # noqa: E402
from tests.targets.landed import Landed, built_on_duckdb, canaries_of, environment_of, serving  # noqa: E402
from tests.targets.places import LakePlace, Place, PostgresPlace, SparkPlace  # noqa: E402
from tests.targets.postgres_server import Server  # noqa: E402


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server for all tests, each of which has a database of its own."""
    if not postgres_server.IS_INSTALLED:
        pytest.skip("PostgreSQL is not installed; apt-get install postgresql")
    with postgres_server.running() as running:
        yield running


@pytest.fixture(scope="class")
def landed(
    request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Landed]:
    """The ledger in the engine that the class of tests names."""
    folder = tmp_path_factory.mktemp("landed")
    with serving(folder) as sandbox:
        for place in _new_place(request.cls.kind, server):
            result = sync(folder / "data", environment_of(sandbox, place))
            assert result.exit_code == 0, result.output
            reference = built_on_duckdb(result.data_dir, folder / "reference")
            yield Landed(place, sandbox, result, canaries_of(sandbox), reference)


def _new_place(kind: str, server: Server) -> Iterator[Place]:
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
