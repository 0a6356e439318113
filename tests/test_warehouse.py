from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import ConfigurationError
from tests.conftest import ROOT

_HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("open", flush=True)
sys.stdin.readline()
print(connection.execute("select * from marts.fct_spend").fetchall() if sys.argv[2] == "read" else "", flush=True)
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = Warehouse(tmp_path / "data")
    made.make_data_dir()
    return made


def _build(warehouse: Warehouse, amount: str) -> None:
    warehouse.clear_marts()
    with duckdb.connect(str(warehouse.marts)) as connection:
        connection.execute(
            f"""
            create schema marts; create schema audit;
            create table marts.fct_spend (spend_id bigint primary key, amount_net decimal(19, 4) not null);
            comment on table marts.fct_spend is 'One row per cost line.';
            comment on column marts.fct_spend.amount_net is 'Company currency.';
            insert into marts.fct_spend values (1, {amount});
            create table audit.sync_runs as select 'run' as run_id;
            """
        )


def _published(
    warehouse: Warehouse, sql: str = "select amount_net::varchar from marts.fct_spend"
) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse.published), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@contextmanager
def _other_program(path: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the file open until it is sent a line."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process


def _leftovers(warehouse: Warehouse) -> list[str]:
    return sorted(
        path.name for path in warehouse.data_dir.iterdir() if path.name not in ("build", "dlt", "spend.duckdb")
    )


# Folders


def test_what_is_private_is_its_owners_alone(warehouse: Warehouse) -> None:
    warehouse.prepare()
    for folder in (warehouse.build, warehouse.dlt):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(warehouse.raw.stat().st_mode) == 0o600
    assert not warehouse.marts.exists(), "`make docs` tells by this file whether anything was built"


def test_folders_that_others_could_read_are_closed(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    warehouse.build.mkdir(mode=0o755)
    warehouse.make_data_dir()
    assert stat.S_IMODE(warehouse.build.stat().st_mode) == 0o700


def test_making_the_folders_leaves_nothing_else(warehouse: Warehouse) -> None:
    warehouse.make_data_dir()
    assert _leftovers(warehouse) == []


@pytest.mark.parametrize("below", ["", "deeper/still"], ids=["the folder", "a folder above"])
def test_a_data_folder_that_is_a_file_is_a_matter_of_configuration(tmp_path: Path, below: str) -> None:
    (tmp_path / "data").write_text("mine", encoding="ascii")
    with pytest.raises(ConfigurationError) as raised:
        Warehouse(tmp_path / "data" / below).make_data_dir()
    assert raised.value.exit_code == 2
    assert f"The data folder {tmp_path / 'data' / below} cannot be written" in str(raised.value)
    assert "DATA_DIR" in str(raised.value)


# Files of others


@pytest.mark.parametrize("name", ["raw", "marts"])
@pytest.mark.parametrize("how", ["read", "write"])
def test_a_file_held_by_another_program_is_named(warehouse: Warehouse, name: str, how: str) -> None:
    path: Path = getattr(warehouse, name)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts; create table marts.fct_spend (amount_net integer)")
    with _other_program(path, how) as other:
        with pytest.raises(ConfigurationError) as raised:
            warehouse.prepare()
        other.communicate("\n")
    assert str(raised.value) == f"{path} is held open by another program; close it there, then run again."
    warehouse.prepare()


def test_a_file_that_is_no_database_is_told_from_a_held_one(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "locked away")
    warehouse.make_data_dir()
    warehouse.raw.write_bytes(b"SECRET" * 1000)
    with pytest.raises(ConfigurationError) as raised:
        warehouse.prepare()
    assert str(raised.value).startswith(f"{warehouse.raw} is no readable DuckDB file (")
    assert "move it away" in str(raised.value)
    assert "SECRET" not in str(raised.value)
    assert warehouse.raw.read_bytes() == b"SECRET" * 1000


# Salt


def test_the_salt_is_made_once_and_is_its_owners_alone(warehouse: Warehouse, tmp_path: Path) -> None:
    salt = warehouse.salt()
    assert len(bytes.fromhex(salt)) == 32
    assert warehouse.salt() == salt
    assert stat.S_IMODE((warehouse.data_dir / "salt").stat().st_mode) == 0o600
    other = Warehouse(tmp_path / "other")
    other.make_data_dir()
    assert other.salt() != salt


def test_a_salt_that_was_not_finished_is_not_used(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", killed)
        with pytest.raises(KeyboardInterrupt):
            warehouse.salt()
    assert len(bytes.fromhex(warehouse.salt())) == 32


# Publishing


def test_what_was_built_is_published_with_its_comments_and_constraints(warehouse: Warehouse) -> None:
    _build(warehouse, "12345678901234.5678")
    warehouse.publish()
    assert _published(warehouse) == [("12345678901234.5678",)]
    assert _published(warehouse, "select run_id from audit.sync_runs") == [("run",)]
    assert _published(warehouse, "select comment from duckdb_tables() where table_name = 'fct_spend'") == [
        ("One row per cost line.",)
    ]
    assert ("Company currency.",) in _published(warehouse, "select comment from duckdb_columns()")
    assert ("PRIMARY KEY",) in _published(warehouse, "select constraint_type from duckdb_constraints()")
    assert stat.S_IMODE(warehouse.published.stat().st_mode) == 0o644
    assert _leftovers(warehouse) == []


def test_who_has_the_old_file_open_keeps_reading_it(warehouse: Warehouse) -> None:
    _build(warehouse, "1")
    warehouse.publish()
    before = warehouse.published.read_bytes()
    with warehouse.published.open("rb") as opened, _other_program(warehouse.published, "read") as analyst:
        _build(warehouse, "2")
        warehouse.publish()
        assert opened.read() == before
        assert _published(warehouse) == [("2.0000",)]
        read, _ = analyst.communicate("\n")
    assert "Decimal('1.0000')" in read


def test_a_failed_publish_leaves_the_old_file(warehouse: Warehouse) -> None:
    _build(warehouse, "1")
    warehouse.publish()
    before = warehouse.published.read_bytes()
    warehouse.marts.write_bytes(b"cut off" * 1000)
    with pytest.raises(duckdb.Error):
        warehouse.publish()
    assert warehouse.published.read_bytes() == before
    assert _leftovers(warehouse) == []


def test_a_publish_that_is_killed_before_its_last_step_leaves_the_old_file(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    _build(warehouse, "1")
    warehouse.publish()
    _build(warehouse, "2")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            warehouse.publish()
    assert _published(warehouse) == [("1.0000",)]
    warehouse.publish()
    assert _published(warehouse) == [("2.0000",)]
    assert _leftovers(warehouse) == []


def test_a_folder_with_quotes_in_its_name_is_a_folder(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / 'o\'neill "and" sons')
    warehouse.make_data_dir()
    _build(warehouse, "1")
    warehouse.publish()
    assert _published(warehouse) == [("1.0000",)]


def test_an_earlier_build_leaves_nothing_in_the_next(warehouse: Warehouse) -> None:
    _build(warehouse, "1")
    wal = warehouse.marts.with_suffix(".duckdb.wal")
    wal.write_bytes(b"left by a killed run")
    warehouse.clear_marts()
    assert not warehouse.marts.exists()
    assert not wal.exists()
    warehouse.clear_marts()


# A full read's own file


def _raw(warehouse: Warehouse, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse.raw), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _old_raw(warehouse: Warehouse) -> None:
    with duckdb.connect(str(warehouse.raw)) as connection:
        connection.execute(
            """
            create schema raw_xledger; create schema snapshots;
            create table raw_xledger.sync_run as select 'first' as run_id;
            create table raw_xledger.transaction as select 1 as db_id, 'SECRET-TEXT' as text;
            create table snapshots.supplier as from (
                values (1, 5, 'Leverandør AS'), (1, 6, 'FORGOTTEN-PERSON')) as kept (owner_db_id, supplier_db_id, supplier_name);
            """
        )


def test_what_a_killed_build_spilled_is_gone_before_the_next(warehouse: Warehouse) -> None:
    profiles = (ROOT / "profiles" / "profiles.yml").read_text(encoding="utf-8")
    spilled_to = set(re.findall(r'temp_directory: "\{\{.*\}\}(.*)"', profiles))
    assert spilled_to == {f"/{warehouse.spill.relative_to(warehouse.data_dir)}"}
    warehouse.spill.mkdir()
    (warehouse.spill / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"rows")
    warehouse.prepare()
    assert not warehouse.spill.exists()


def test_a_full_read_takes_over_the_history_and_no_rows(warehouse: Warehouse) -> None:
    _old_raw(warehouse)
    with warehouse.incoming():
        warehouse.begin_incoming()
        with duckdb.connect(str(warehouse.incoming_raw)) as connection:
            connection.execute("create table raw_xledger.transaction as select 2 as db_id")
            connection.execute("create table raw_xledger.supplier as select 1 as owner_db_id, 5 as db_id")
            connection.execute("insert into raw_xledger.sync_run values ('second')")
        warehouse.take_incoming()
    assert _raw(warehouse, "select db_id from raw_xledger.transaction") == [(2,)]
    assert _raw(warehouse, "select run_id from raw_xledger.sync_run order by 1") == [("first",), ("second",)]
    assert _raw(warehouse, "select supplier_db_id from snapshots.supplier") == [(5,)]
    assert b"SECRET-TEXT" not in warehouse.raw.read_bytes()
    assert b"FORGOTTEN-PERSON" not in warehouse.raw.read_bytes()
    assert stat.S_IMODE(warehouse.raw.stat().st_mode) == 0o600
    assert not warehouse.incoming_raw.parent.exists()


def test_a_full_read_that_fails_leaves_the_warehouse_as_it_was(warehouse: Warehouse) -> None:
    _old_raw(warehouse)
    before = warehouse.raw.read_bytes()
    with pytest.raises(ZeroDivisionError), warehouse.incoming():
        raise ZeroDivisionError
    assert warehouse.raw.read_bytes() == before
    assert not warehouse.incoming_raw.parent.exists()
