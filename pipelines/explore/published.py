"""The published file, opened for reading."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import duckdb

from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import ConfigurationError
from pipelines.xledger.settings import data_folder, read_settings


@dataclass(frozen=True)
class Column:
    """A column as the published file describes it; ``type`` is DuckDB's name, such as ``DECIMAL(19,4)``."""

    name: str
    type: str
    description: str


def published_warehouse() -> Warehouse:
    """The data folder of the settings; without a token the sandbox's.

    Raises:
        ConfigurationError: nothing was published there yet, or a company has to be named.
    """
    warehouse = Warehouse(data_folder(read_settings()))
    if not warehouse.published.exists():
        raise ConfigurationError(f"There is no published file in {warehouse.data_dir} yet; run `make sync` first.")
    return warehouse


def writable_folder(folder: Path) -> Path:
    """The folder, made if need be.

    Raises:
        ConfigurationError: it cannot be written.
    """
    try:
        folder.mkdir(exist_ok=True)
        with TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written ({error.strerror}); see to room and rights.") from None


def connect(published: Path) -> duckdb.DuckDBPyConnection:
    """A connection that can read this file, change nothing, and fetch nothing from anywhere else."""
    return duckdb.connect(
        str(published),
        read_only=True,
        config={"autoinstall_known_extensions": False, "autoload_known_extensions": False},
    )


def table_names(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Every published table as ``schema.table``."""
    rows = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = current_database() "
        "and not internal order by all"
    ).fetchall()
    return [str(name) for (name,) in rows]


def columns_of(connection: duckdb.DuckDBPyConnection, table: str) -> list[Column]:
    """The columns of ``schema.table`` in their order."""
    rows = connection.execute(
        "select column_name, data_type, coalesce(comment, '') from duckdb_columns() "
        "where database_name = current_database() and schema_name || '.' || table_name = ? order by column_index",
        [table],
    ).fetchall()
    return [Column(*row) for row in rows]
