"""Engines that cannot run here: their statements parse in their dialects and come in an order that loses nothing.

It says nothing of what such an engine answers.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from pipelines.targets import lake_tables
from pipelines.targets.elsewhere import BigQuery, Databricks, Elsewhere, Snowflake
from pipelines.targets.motherduck import MotherDuck

CREDENTIALS = {
    "DESTINATION__SNOWFLAKE__CREDENTIALS": "snowflake://user:secret@account/cube?warehouse=small&role=loader",
    "DESTINATION__BIGQUERY__CREDENTIALS__PROJECT_ID": "cube",
    "DESTINATION__BIGQUERY__CREDENTIALS__PRIVATE_KEY": "secret",
    "DESTINATION__BIGQUERY__CREDENTIALS__CLIENT_EMAIL": "nobody@nowhere.invalid",
    "DESTINATION__DATABRICKS__CREDENTIALS__SERVER_HOSTNAME": "nowhere.invalid",
    "DESTINATION__DATABRICKS__CREDENTIALS__HTTP_PATH": "/sql/cube",
    "DESTINATION__DATABRICKS__CREDENTIALS__ACCESS_TOKEN": "secret",
    "DESTINATION__DATABRICKS__CREDENTIALS__CATALOG": "cube",
    "DESTINATION__MOTHERDUCK__CREDENTIALS": "md:///cube?token=secret",
}


@pytest.fixture(params=[Snowflake, BigQuery, Databricks])
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Elsewhere:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "key").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DESTINATION__SNOWFLAKE__CREDENTIALS__PRIVATE_KEY_PATH", "key")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "key")
    target: Elsewhere = request.param()
    return target


def test_every_step_parses_in_the_dialect(elsewhere: Elsewhere) -> None:
    steps = [
        *elsewhere.raw_steps(["supplier", "transaction"], has_history=True),
        *elsewhere.publish_steps({"marts": ["fct_spend"], "audit": ["sync_runs"]}),
    ]
    for step in steps:
        # sqlglot knows of clones that are shallow, and of no deep ones.
        known = step.replace("deep clone", "shallow clone")
        [statement] = sqlglot.parse(known, dialect=elsewhere.name, error_level=sqlglot.ErrorLevel.RAISE)
        assert isinstance(statement, (exp.Create, exp.Drop, exp.Alter)), step


def test_what_arrived_is_dropped_only_after_it_took_its_place(elsewhere: Elsewhere) -> None:
    steps = elsewhere.raw_steps(["supplier", "transaction"], has_history=True)
    taken = [number for number, step in enumerate(steps) if "raw_xledger_incoming." in step]
    assert len(taken) == 2
    assert max(taken) < steps.index("drop schema if exists raw_xledger_incoming cascade")
    assert not [step for step in steps if step.startswith("drop") and (" marts " in step or " audit " in step)]


def test_only_built_tables_are_dropped_when_marts_are_published(elsewhere: Elsewhere) -> None:
    steps = elsewhere.publish_steps({"marts": ["fct_spend", "dim_owner"], "audit": ["sync_runs"]})
    assert [step for step in steps if step.startswith("drop")] == [
        "drop schema if exists marts_build cascade",
        "drop schema if exists audit_build cascade",
    ]
    assert sum("create or replace" in step for step in steps) == 3


def test_dbt_gets_all_that_its_profile_asks_for(elsewhere: Elsewhere) -> None:
    profiles = (Path(__file__).resolve().parents[2] / "profiles" / "profiles.yml").read_text(encoding="utf-8")
    environment = elsewhere.dbt_environment()
    asked = {name for name in profiles.split("'") if name.startswith(f"TARGET_{elsewhere.name.upper()}_")}
    assert asked
    assert environment.keys() == asked
    assert all(environment.values())
    # It works in the data folder, wherever the run was started.
    assert "key" not in environment.values()


def test_the_token_of_motherduck_goes_to_dbt_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    environment = MotherDuck().dbt_environment()
    assert environment["TARGET_MOTHERDUCK_WAREHOUSE"] == "cube"
    assert [name for name, value in environment.items() if value == "secret"] == ["motherduck_token"]


def test_raw_tables_that_cannot_all_be_taken_leave_the_last_ones(tmp_path: Path) -> None:
    raw = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(raw)) as warehouse:
        warehouse.execute("create schema raw_xledger; create table raw_xledger.account as select 2 as db_id")
    with duckdb.connect(str(tmp_path / "cube.duckdb")) as connection:
        connection.execute(
            "create schema raw_xledger; create table raw_xledger.account as select 1 as db_id; "
            "create table raw_xledger.supplier (owner_db_id bigint, db_id bigint); create schema snapshots; "
            "create table snapshots.supplier_snapshot as select 1::bigint as owner_db_id, 7::bigint as supplier_db_id"
        )
        with pytest.raises(duckdb.CatalogException, match="supplier"):
            lake_tables.take_raw(connection, raw, "cube")
        assert connection.execute("from raw_xledger.account").fetchall() == [(1,)]
        assert connection.execute("select count(*) from raw_xledger.supplier").fetchall() == [(0,)]
        assert connection.execute("from snapshots.supplier_snapshot").fetchall() == [(1, 7)]


def test_the_steps_of_motherduck_in_a_plain_duckdb(tmp_path: Path) -> None:
    """It speaks DuckDB: the same steps, in a file in place of its database."""
    marts = tmp_path / "spend.duckdb"
    with duckdb.connect(str(marts)) as built:
        built.execute("create schema marts; create schema audit; create table marts.fct_spend as select 2 as amount")
        built.execute("comment on table marts.fct_spend is 'Spend.'; create table audit.sync_runs as select 1 as run")
    raw = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(raw)) as warehouse:
        warehouse.execute(
            "create schema raw_xledger; create table raw_xledger.supplier as "
            "select 1::bigint as owner_db_id, 7::bigint as db_id; "
            "create table raw_xledger._dlt_loads as select 1 as status; "
            "create table raw_xledger._dlt_pipeline_state as select 1 as version; "
            "create schema fence; create table fence.payroll_line as select 8 as db_id"
        )
    with duckdb.connect(str(tmp_path / "cube.duckdb")) as connection:
        connection.execute(
            "create schema raw_xledger; create table raw_xledger.gone (a int); "
            "create schema snapshots; create table snapshots.supplier_snapshot as "
            "select 1::bigint as owner_db_id, unnest([7, 8])::bigint as supplier_db_id; "
            "create schema marts; create table marts.fct_spend as select 1 as amount"
        )
        lake_tables.take_raw(connection, raw, "cube")
        assert connection.execute("select supplier_db_id from snapshots.supplier_snapshot").fetchall() == [(7,)]
        assert connection.execute("select amount from marts.fct_spend").fetchall() == [(1,)]
        lake_tables.publish(connection, marts, "cube")
        assert connection.execute("select amount from marts.fct_spend").fetchall() == [(2,)]
        assert connection.execute(
            "select schema_name, table_name, comment from duckdb_tables() order by all"
        ).fetchall() == [
            ("audit", "sync_runs", None),
            ("marts", "fct_spend", "Spend."),
            ("raw_xledger", "_dlt_loads", None),
            ("raw_xledger", "supplier", None),
            ("snapshots", "supplier_snapshot", None),
        ]
