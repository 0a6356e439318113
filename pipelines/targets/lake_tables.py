"""The tables in the lake: how raw tables and marts take the place of the last ones, each in one snapshot, and what is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from pipelines.targets.target import PUBLISHED, RAW, SNAPSHOTS
from pipelines.xledger.errors import ConfigurationError

LAKE = "lake"
# Of a connection that writes a lake's tables; what is more spills.
MEMORY = "400MB"
_OURS = (RAW, SNAPSHOTS, *PUBLISHED)
# What dlt keeps of how it read; when rows came, `_dlt_loads`, is looked at by dbt.
_OF_THE_READ = ("_dlt_version", "_dlt_pipeline_state")
# Somebody who reads a published table when the next one comes has this long to end.
_DAYS_FOR_READERS = 1


def prepare(connection: duckdb.DuckDBPyConnection, storage: str) -> None:
    """See that the lake is ours, keep rows out of its catalog, and remove what a killed run left in its folder.

    Raises:
        ConfigurationError: catalog or folder hold what this program did not make.
    """
    found = {
        schema
        for (schema,) in connection.execute(
            "select schema_name from duckdb_schemas() where database_name = ? and schema_name <> 'main'", [LAKE]
        ).fetchall()
    }
    if foreign := sorted(found - set(_OURS)):
        raise ConfigurationError(
            f"The lake holds schemas that are not this program's: {', '.join(foreign)}. Give the spend cube a lake of its own."
        )
    if (
        not found
        and connection.execute(f"select 1 from glob({_literal(storage.rstrip('/') + '/**')}) limit 1").fetchall()
    ):
        raise ConfigurationError(
            f"The folder of the new lake, {storage}, already holds files; give the spend cube a folder of its own."
        )
    # A row in the catalog would outlive the files.
    connection.execute(f"call {LAKE}.set_option('data_inlining_row_limit', 0)")
    for schema in (SNAPSHOTS, RAW):
        connection.execute(f"create schema if not exists {LAKE}.{schema}")
    connection.execute(f"call ducklake_delete_orphaned_files('{LAKE}', cleanup_all => true)")


def take_raw(connection: duckdb.DuckDBPyConnection, warehouse: Path, lake: str = LAKE) -> None:
    """The raw tables of the finished warehouse file take the place of the last ones; the marts stay.

    Of the suppliers' history stays what belongs to suppliers that were received now.
    """
    connection.execute(f"attach {_literal(str(warehouse))} as received (read_only)")

    def steps() -> None:
        _replace(connection, "received", RAW, lake)
        for table in _tables(connection, lake, SNAPSHOTS):
            name = f'{lake}.{SNAPSHOTS}."{table}"'
            connection.execute(
                f"create or replace table {name} as select kept.* from {name} as kept semi join {lake}.{RAW}.supplier as supplier "
                "on kept.owner_db_id = supplier.owner_db_id and kept.supplier_db_id = supplier.db_id"
            )

    _in_one_step(connection, steps)
    connection.execute("detach received")


def publish(connection: duckdb.DuckDBPyConnection, marts: Path, lake: str = LAKE) -> None:
    """The built marts, tested and in a file of their own, become the lake's next snapshot."""
    connection.execute(f"attach {_literal(str(marts))} as built (read_only)")

    def steps() -> None:
        for schema in PUBLISHED:
            _replace(connection, "built", schema, lake)
            _comment(connection, schema, lake)

    _in_one_step(connection, steps)
    connection.execute("detach built")


def forget_the_past(connection: duckdb.DuckDBPyConnection, *, at_once: bool) -> None:
    """Expire what the lake held before, and delete its files.

    ``at_once`` when rows went that are payroll by now, or were deleted: then no reader of the old state is waited for.
    """
    age = "interval 0 day" if at_once else f"interval {_DAYS_FOR_READERS} day"
    connection.execute(f"call ducklake_expire_snapshots('{LAKE}', older_than => now() - {age})")
    files = "cleanup_all => true" if at_once else f"older_than => now() - {age}"
    connection.execute(f"call ducklake_cleanup_old_files('{LAKE}', {files})")


def _replace(connection: duckdb.DuckDBPyConnection, file: str, schema: str, lake: str) -> None:
    """Every table of ``schema`` in the attached file under its name in the lake, and no other there."""
    connection.execute(f"create schema if not exists {lake}.{schema}")
    arrived = [table for table in _tables(connection, file, schema) if table not in _OF_THE_READ]
    for table in set(_tables(connection, lake, schema)) - set(arrived):
        connection.execute(f'drop table {lake}.{schema}."{table}"')
    for table in arrived:
        connection.execute(f'create or replace table {lake}.{schema}."{table}" as from {file}.{schema}."{table}"')


def _comment(connection: duckdb.DuckDBPyConnection, schema: str, lake: str) -> None:
    of_tables = connection.execute(
        "select table_name, comment from duckdb_tables() where database_name = 'built' and schema_name = ? and comment is not null",
        [schema],
    ).fetchall()
    for table, comment in of_tables:
        connection.execute(f'comment on table {lake}.{schema}."{table}" is {_literal(comment)}')
    of_columns = connection.execute(
        "select table_name, column_name, comment from duckdb_columns() "
        "where database_name = 'built' and schema_name = ? and comment is not null",
        [schema],
    ).fetchall()
    for table, column, comment in of_columns:
        connection.execute(f'comment on column {lake}.{schema}."{table}"."{column}" is {_literal(comment)}')


def _tables(connection: duckdb.DuckDBPyConnection, database: str, schema: str) -> list[str]:
    found = connection.execute(
        "select table_name from duckdb_tables() where database_name = ? and schema_name = ? order by 1",
        [database, schema],
    ).fetchall()
    return [table for (table,) in found]


def _in_one_step(connection: duckdb.DuckDBPyConnection, steps: Callable[[], None]) -> None:
    connection.execute("begin transaction")
    try:
        steps()
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
