"""What dbt built last, so that the next build makes anew only the vouchers that changed since.

A schema of the private warehouse file, ``last_build``, has the vouchers that changed (filled by the read), the registers as
the last build knew them, and one row that says with which models and into which marts file it was made. That row is gone
while dbt builds: after a build that failed or was killed, everything is built. Of the registers as they were read it has a
hash each: what is made of nothing else need not be built where they are as they were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import duckdb

from pipelines.warehouse import RAW_SCHEMA, Warehouse
from pipelines.xledger.kept import CHANGED_VOUCHERS, TAKEN_OVER
from pipelines.xledger.tables import TABLES

_ROOT = Path(__file__).resolve().parent.parent
_SCHEMA = "last_build"
# Tells the models, which otherwise build everything.
_UNDER_WAY = f"{_SCHEMA}.under_way"
# By raw table that is read whole each time, a hash over its rows.
_AS_READ = f"{_SCHEMA}.register_as_read"
# What lines take over from registers, whole: the models compare these with how they are now.
_REGISTERS = {
    "account": "intermediate.int_accounts_classified",
    "currency": "staging.stg_xledger__currency",
    "dimension_value": "intermediate.int_dimension_values",
    "document_type": "(select document_type, min(document_type_name) as document_type_name "
    "from staging.stg_xledger__transaction_header group by document_type)",
    "owner": "intermediate.int_owners_with_currency",
    "supplier": "intermediate.int_suppliers_normalised",
}


def stands(warehouse: Warehouse) -> bool:
    """Whether a build of only what changed can stand on what the files hold."""
    with duckdb.connect(str(warehouse.raw), read_only=True) as connection:
        try:
            found = connection.execute(f"select made_with from {_SCHEMA}.state").fetchone()
        except duckdb.CatalogException:
            return False
    return found is not None and found[0] == _made_with(warehouse)


def changed_tables(warehouse: Warehouse) -> list[str]:
    """The raw tables but for registers that are, row for row, what the last build saw."""
    with duckdb.connect(str(warehouse.raw), read_only=True) as connection:
        found = connection.execute(
            "select table_name from duckdb_tables() "
            "where schema_name = ? and not starts_with(table_name, '_') order by table_name",
            [RAW_SCHEMA],
        ).fetchall()
        as_read = dict(connection.execute(f"select table_name, sha256 from {_AS_READ}").fetchall())
        return [
            table
            for (table,) in found
            if table not in _read_whole() or as_read.get(table) != _hash_of(connection, table)
        ]


def _read_whole() -> list[str]:
    return [table for table in TABLES if table not in TAKEN_OVER]


def _hash_of(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """In JSON, as a row's plain text does not tell null from a word of that name."""
    [(hashed,)] = connection.execute(
        f"select sha256(coalesce(string_agg(line, chr(10) order by line), '')) "
        f'from (select cast(to_json(register) as varchar) as line from {RAW_SCHEMA}."{table}" as register)'
    ).fetchall()
    return str(hashed)


@contextmanager
def remembered(warehouse: Warehouse, *, only_changes: bool) -> Iterator[None]:
    """Around a build: nothing stands while it goes on, and afterwards the next one stands on it."""
    with duckdb.connect(str(warehouse.raw)) as connection:
        connection.execute(f"create schema if not exists {_SCHEMA}")
        connection.execute(f"drop table if exists {_SCHEMA}.state; drop table if exists {_UNDER_WAY}")
        if only_changes:
            connection.execute(f"create table {_UNDER_WAY} (nothing boolean)")
    yield
    with duckdb.connect(str(warehouse.raw)) as connection:
        connection.execute(f"drop table if exists {_UNDER_WAY}")
        for name, relation in _REGISTERS.items():
            connection.execute(f"create or replace table {_SCHEMA}.{name} as from {relation}")
        connection.execute(f"create or replace table {_AS_READ} (table_name varchar, sha256 varchar)")
        connection.executemany(
            f"insert into {_AS_READ} values (?, ?)",
            [(table, _hash_of(connection, table)) for table in _read_whole()],
        )
        connection.execute(f"create or replace table {CHANGED_VOUCHERS} (owner_db_id bigint, header_db_id bigint)")
        connection.execute(f"create or replace table {_SCHEMA}.state as select ? as made_with", [_made_with(warehouse)])


def _made_with(warehouse: Warehouse) -> str:
    """A hash over the models and the tools, and what tells the marts file from another one."""
    made_with = hashlib.sha256()
    project = (path for folder in ("dbt_project", "profiles") for path in sorted((_ROOT / folder).rglob("*")))
    for path in project:
        if path.is_file() and not path.name.startswith("."):
            made_with.update(str(path.relative_to(_ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    made_with.update(f"{version('dbt-core')} {version('dbt-duckdb')} {duckdb.__version__}".encode())
    if warehouse.marts.exists():
        marts = warehouse.marts.stat()
        made_with.update(f" {marts.st_size} {marts.st_mtime_ns}".encode())
    return made_with.hexdigest()
