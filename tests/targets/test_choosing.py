"""What is wrong with a target is said in one sentence, with exit code 2, before anything is asked of Xledger."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest

from pipelines.sandbox import SandboxOptions, running
from pipelines.targets import postgres_schemas
from pipelines.targets.chosen import chosen_target
from pipelines.xledger.errors import ConfigurationError
from tests.conftest import sync
from tests.targets.places import LakePlace
from tests.targets.postgres_server import Server

Point = Callable[..., None]


@pytest.fixture
def point(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Point:
    """Set the environment of a run, and nothing else of it."""
    for name in os.environ:
        if name.startswith("DESTINATION__") or name == "TARGET":
            monkeypatch.delenv(name)

    def set_to(**environment: str) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    set_to(DATA_DIR=str(tmp_path / "data"))
    return set_to


def refusal() -> str:
    with pytest.raises(ConfigurationError) as raised, chosen_target().held():
        pytest.fail("taken")
    return str(raised.value)


def test_duckdb_is_the_default(point: Point) -> None:
    assert chosen_target().name == "duckdb"


def test_an_unknown_target_is_named_with_those_that_are_known(point: Point) -> None:
    point(TARGET="postgers")
    assert refusal().startswith("TARGET is 'postgers'; it can be duckdb, ")


def test_a_target_without_its_packages_says_how_to_get_them(point: Point) -> None:
    point(TARGET="snowflake")
    assert "run `make sync TARGET=snowflake`, which installs them" in refusal()


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("postgres", "The target's settings are not whole"),
        ("ducklake", "set DESTINATION__DUCKLAKE__CREDENTIALS__CATALOG"),
        ("spark", "DESTINATION__FILESYSTEM__BUCKET_URL must name a folder"),
    ],
)
def test_a_target_without_its_settings_names_them(point: Point, target: str, told: str) -> None:
    point(TARGET=target)
    assert told in refusal()


def test_a_lake_beside_the_program_is_found_by_dbt_which_works_elsewhere(
    point: Point, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    point(
        TARGET="ducklake",
        DESTINATION__DUCKLAKE__CREDENTIALS__CATALOG="sqlite:///catalog.sqlite",
        DESTINATION__DUCKLAKE__CREDENTIALS__STORAGE__BUCKET_URL="files",
    )
    environment = chosen_target().dbt_environment()
    assert environment["TARGET_DUCKLAKE"] == f"ducklake:sqlite:{tmp_path}/catalog.sqlite"
    assert f"{tmp_path}/files" in environment["TARGET_DUCKLAKE_OPTIONS"]


def test_without_a_token_the_sandbox_is_not_put_where_others_read(tmp_path: Path, server: Server) -> None:
    run = sync(
        tmp_path / "data",
        {
            "TARGET": "postgres",
            "DESTINATION__POSTGRES__CREDENTIALS": server.url("postgres"),
            "SOURCES__XLEDGER__API_TOKEN": "",
        },
    )
    assert run.exit_code == 2
    assert "the sandbox's made-up company would be published there" in run.output.splitlines()[-1]


def test_a_wrong_password_ends_the_run_before_the_first_request(tmp_path: Path, server: Server) -> None:
    with running(SandboxOptions(lines=1_000)) as sandbox:
        run = sync(
            tmp_path / "data",
            {
                "SOURCES__XLEDGER__API_URL": sandbox.url,
                "SOURCES__XLEDGER__API_TOKEN": sandbox.token,
                "TARGET": "postgres",
                "DESTINATION__POSTGRES__CREDENTIALS": server.url("postgres", password="a-wrong-one"),
            },
        )
        assert sandbox.wire() == []
    assert run.exit_code == 2, run.output
    assert "(password authentication failed)" in run.output.splitlines()[-1]
    assert "a-wrong-one" not in run.output


def test_a_server_that_is_not_there_is_named(point: Point) -> None:
    point(TARGET="postgres", DESTINATION__POSTGRES__CREDENTIALS="postgresql://somebody:secret@127.0.0.1:1/spend")
    told = refusal()
    assert told.startswith(
        "PostgreSQL at 127.0.0.1:1 lets nobody in as somebody to the database spend (connection refused)"
    )
    assert "secret" not in told


def test_who_may_not_make_schemas_is_told_what_to_ask_for(point: Point, server: Server) -> None:
    database = server.new_database("narrow")
    server.run("postgres", f"create role guest_of_{database} login password '{server.password}'")
    guest = f"guest_of_{database}"
    point(TARGET="postgres", DESTINATION__POSTGRES__CREDENTIALS=server.url(database, guest))
    assert f'`grant create on database "{database}" to "{guest}"`' in refusal()


def test_a_database_that_sorts_otherwise_is_refused(point: Point, server: Server) -> None:
    server.run(
        "postgres", "create database sorted template template0 encoding 'UTF8' locale_provider icu icu_locale 'nb'"
    )
    server.run("postgres", "alter database sorted owner to owner")
    point(TARGET="postgres", DESTINATION__POSTGRES__CREDENTIALS=server.url("sorted"))
    assert "does not sort texts by their bytes" in refusal()


def test_schemas_of_somebody_else_are_not_touched(point: Point, server: Server) -> None:
    database = server.new_database("shared")
    with server.session(database) as session, session, session.cursor() as cursor:
        cursor.execute("create schema staging; create table staging.of_somebody as select 1 as one")
    point(TARGET="postgres", DESTINATION__POSTGRES__CREDENTIALS=server.url(database))
    told = refusal()
    assert "that are not this program's" in told
    assert told.endswith("staging. Give the spend cube a database of its own.")


def test_views_that_would_be_lost_are_named(point: Point, server: Server) -> None:
    database = _published(server)
    with server.session(database) as session, session, session.cursor() as cursor:
        cursor.execute("create schema mine; create view mine.spend as select * from marts.fct_spend")
    point(TARGET="postgres", DESTINATION__POSTGRES__CREDENTIALS=server.url(database))
    assert "Views stand on tables that each run replaces, and would go with them: mine.spend." in refusal()


def test_who_could_read_the_marts_can_read_the_next_ones(server: Server) -> None:
    database = _published(server)
    reader = f"reader_of_{database}"
    server.run("postgres", f"create role {reader} login password '{server.password}'")
    with server.session(database) as session, session, session.cursor() as cursor:
        cursor.execute(f"grant usage on schema marts to {reader}; grant select on marts.fct_spend to {reader}")
    _publish(server, database, amount=2)
    with server.session(database, reader) as session, session.cursor() as cursor:
        cursor.execute("select amount from marts.fct_spend")
        assert cursor.fetchall() == [(2,)]
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("select * from audit.sync_runs")


def _published(server: Server) -> str:
    database = server.new_database("published")
    _publish(server, database, amount=1)
    return database


def _publish(server: Server, database: str, amount: int) -> None:
    """Raw and marts of one row each, by the same steps as a run takes."""
    with server.session(database) as session:
        session.autocommit = True
        postgres_schemas.make_room(session)
        with session, session.cursor() as cursor:
            cursor.execute("create table raw_xledger_incoming.supplier (owner_db_id bigint, db_id bigint)")
        postgres_schemas.take_incoming(session)
        with session, session.cursor() as cursor:
            cursor.execute(f"create table marts_build.fct_spend as select {amount} as amount")
            cursor.execute("create table audit_build.sync_runs as select 1 as run")
        postgres_schemas.publish(session)


def test_a_folder_that_holds_something_is_no_new_lake(point: Point, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "of_somebody.parquet").write_bytes(b"")
    point(
        TARGET="ducklake",
        DESTINATION__DUCKLAKE__CREDENTIALS__CATALOG=f"sqlite:///{tmp_path}/catalog.sqlite",
        DESTINATION__DUCKLAKE__CREDENTIALS__STORAGE__BUCKET_URL=str(tmp_path / "files"),
    )
    assert "already holds files; give the spend cube a folder of its own" in refusal()
    assert (tmp_path / "files" / "of_somebody.parquet").exists()


def test_one_run_at_a_time_in_a_lake_whose_catalog_is_a_file(point: Point) -> None:
    lake = LakePlace(None)
    try:
        point(**lake.environment())
        with chosen_target().held():
            assert refusal().startswith(f"Another run is under way (process {os.getpid()}, since ")
        with chosen_target().held():
            pass
    finally:
        lake.remove()


def test_one_run_at_a_time_in_a_folder_of_spark(point: Point, tmp_path: Path) -> None:
    point(TARGET="spark", DESTINATION__FILESYSTEM__BUCKET_URL=str(tmp_path / "spark"))
    with chosen_target().held():
        assert refusal().startswith(f"Another run is under way (process {os.getpid()}, since ")


@pytest.mark.parametrize("settings", ["8", "not json"])
def test_settings_of_spark_are_an_object(point: Point, tmp_path: Path, settings: str) -> None:
    point(TARGET="spark", DESTINATION__FILESYSTEM__BUCKET_URL=str(tmp_path), SPARK__SETTINGS=settings)
    assert "SPARK__SETTINGS must be an object" in refusal()
