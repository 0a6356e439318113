"""The hostile ledger through each engine: the same tables as on DuckDB, and no payroll in any file.

The sandbox's own ledger, whose pay is louder than all else, goes through PostgreSQL; with EVERY_LEDGER=1 through all of them.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import pytest

from pipelines import dbt_ahead, dbt_build
from pipelines.console import JsonConsole
from pipelines.sandbox import Sandbox, SandboxOptions, running
from pipelines.targets.target import Target
from pipelines.warehouse import Warehouse
from tests.conftest import Synced, sync
from tests.payroll.loud_pay import make_loud
from tests.payroll_search import Canaries, everything_below
from tests.targets.conftest import new_place
from tests.targets.places import Place
from tests.targets.postgres_server import Server
from tests.targets.same_tables import Tables, assert_same_tables, tables_of_duckdb

LEDGERS = {"sandbox": SandboxOptions(lines=5_000), "hostile": SandboxOptions(hostile=True, lines=6_000)}
PLACES = ("postgres", "ducklake_server", "spark")
_OWN = PLACES if os.environ.get("EVERY_LEDGER") else ("postgres",)
PAIRS = [("hostile", place) for place in (*PLACES, "ducklake_file")] + [("sandbox", place) for place in _OWN]
Served = Callable[[str], Sandbox]


@dataclass(frozen=True)
class Landed:
    """A finished sync into an engine, and what DuckDB makes of the same raw tables."""

    place: Place
    result: Synced
    canaries: Canaries
    on_duckdb: Tables


@contextmanager
def serving(options: SandboxOptions) -> Iterator[Sandbox]:
    """The sandbox's ledger with pay louder than all that may be received, so that no sum equals somebody's pay by chance.

    The hostile one holds amounts that nothing is louder than.
    """
    with running(options):
        [kept] = Path(str(options.ledger_dir)).iterdir()
    if not options.hostile:
        make_loud(kept / "ledger.duckdb", kept / "truth.duckdb")
    with running(options) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Each ledger, served once it is asked for."""
    with ExitStack() as stack:

        @cache
        def sandbox_of(ledger: str) -> Sandbox:
            options = dataclasses.replace(LEDGERS[ledger], ledger_dir=tmp_path_factory.mktemp(ledger))
            return stack.enter_context(serving(options))

        yield sandbox_of


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def landed(
    request: pytest.FixtureRequest, served: Served, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Landed]:
    ledger, kind = request.param
    sandbox = served(ledger)
    folder = tmp_path_factory.mktemp("landed")
    for place in new_place(kind, server):
        token = {"SOURCES__XLEDGER__API_URL": sandbox.url, "SOURCES__XLEDGER__API_TOKEN": sandbox.token}
        result = sync(folder / "data", token | place.environment())
        assert result.exit_code == 0, result.output
        assert sandbox.truth_path
        canaries = Canaries.of(sandbox.truth_path, hashed_on_arrival=True)
        if ledger == "hostile":
            # An amount of its pay can be that of another line, or a sum of some.
            canaries = Canaries(canaries.words, frozenset())
        yield Landed(place, result, canaries, built_on_duckdb(result.data_dir, folder / "reference"))


def built_on_duckdb(data_dir: Path, reference: Path) -> Tables:
    """The marts that DuckDB builds of the same raw tables: the run and its times are the same, so all of it has to be."""
    warehouse = Warehouse(reference)
    warehouse.make_data_dir()
    shutil.copy(Warehouse(data_dir).raw, warehouse.raw)
    with dbt_ahead.started(is_quiet=True) as dbt:
        dbt_build.begin(dbt, warehouse, Target(), JsonConsole("reference")).run()
    return tables_of_duckdb(warehouse.marts)


def test_every_mart_and_audit_table_is_as_on_duckdb(landed: Landed) -> None:
    assert_same_tables(landed.place.tables(), landed.on_duckdb)


def test_the_file_that_analysts_open_is_as_on_duckdb(landed: Landed) -> None:
    assert_same_tables(tables_of_duckdb(landed.result.published), landed.on_duckdb)
    with duckdb.connect(str(landed.result.published), read_only=True) as published:
        money = published.execute(
            "select distinct data_type from duckdb_columns() where schema_name = 'marts' and column_name like 'amount%'"
        ).fetchall()
        commented = published.execute(
            "select count(comment) = count(*) from duckdb_columns() where schema_name in ('marts', 'audit')"
        ).fetchall()
    assert money == [("DECIMAL(19,4)",)]
    assert commented == [(True,)]


def test_no_payroll_lies_in_any_file_of_the_engine(landed: Landed) -> None:
    assert len(landed.canaries.words) > 50
    texts = [*landed.place.texts(), *everything_below(landed.result.data_dir)]
    for where, text in texts:
        assert landed.canaries.found_in(text) == set(), where
    # The same search finds what did arrive.
    [(word,)] = landed.result.query(
        "select max(supplier_name) from marts.dim_supplier where length(supplier_name) > 12"
    )
    assert any(str(word) in text for _, text in texts)


def test_no_way_into_the_engine_is_left_on_disk_or_said(landed: Landed, server: Server) -> None:
    assert server.password not in landed.result.output
    for where, text in everything_below(landed.result.data_dir):
        assert server.password not in text, where


def test_the_fence_stays_on_the_machine_that_reads(landed: Landed) -> None:
    with duckdb.connect(str(Warehouse(landed.result.data_dir).raw), read_only=True) as raw:
        assert raw.execute("select count(*) > 0 from duckdb_tables() where schema_name = 'fence'").fetchall() == [
            (True,)
        ]
    assert [where for where, _ in landed.place.texts() if "fence." in where or "/fence/" in where] == []
