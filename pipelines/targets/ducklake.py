"""TARGET=ducklake: raw tables, history and marts as Parquet in a lake whose catalog is a PostgreSQL database or a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt.destinations.impl.ducklake.configuration import DuckLakeClientConfiguration, DuckLakeCredentials
from dlt.destinations.impl.ducklake.sql_client import DuckLakeSqlClient
from dlt.destinations.impl.postgres.configuration import PostgresCredentials

from pipelines import lock
from pipelines.console import Console
from pipelines.targets import lake_tables, postgres_lock
from pipelines.targets.extensions import extension_settings
from pipelines.targets.postgres import connect
from pipelines.targets.target import RAW, Target
from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import ConfigurationError, XledgerError
from pipelines.xledger.settings import data_dir

_EXTENSIONS = ("ducklake", "postgres_scanner", "sqlite_scanner")
_CATALOG_SETTING = "DESTINATION__DUCKLAKE__CREDENTIALS__CATALOG"
_STORAGE_SETTING = "DESTINATION__DUCKLAKE__CREDENTIALS__STORAGE__BUCKET_URL"


class DuckLake(Target):
    """A lake of its own: catalog and folder hold nothing else."""

    name = "ducklake"
    packages = (
        "duckdb-extension-ducklake",
        "duckdb-extension-postgres-scanner",
        "duckdb-extension-sqlite-scanner",
        "psycopg2-binary",
    )

    def __init__(self) -> None:
        self._credentials = self._resolved()
        catalog = self._credentials.catalog
        if catalog.drivername not in ("postgres", "postgresql", "sqlite"):
            raise ConfigurationError(
                f"{_CATALOG_SETTING} must be the address of a PostgreSQL database (postgresql://user:password@host/database) "
                "or of a file (sqlite:////folder/catalog.sqlite); correct it."
            )
        self._has_server = catalog.drivername != "sqlite"

    def _resolved(self) -> DuckLakeCredentials:
        # dlt's defaults would lie in whatever folder a run was started from.
        if not all(
            dlt.secrets.get(f"destination.ducklake.credentials.{name}") for name in ("catalog", "storage.bucket_url")
        ):
            raise ConfigurationError(
                f"TARGET is ducklake: set {_CATALOG_SETTING} and {_STORAGE_SETTING}, as in docs/targets.md."
            )
        asked = DuckLakeClientConfiguration()._bind_dataset_name(RAW)
        credentials: DuckLakeCredentials = dlt.destinations.ducklake().configuration(asked).credentials
        return credentials

    @contextmanager
    def held(self) -> Iterator[None]:
        with ExitStack() as stack:
            if self._has_server:
                session = connect(self._catalog_server(), _CATALOG_SETTING)
                stack.callback(session.close)
                stack.enter_context(postgres_lock.exclusive(session, str(self._credentials.catalog.database)))
            else:
                catalog = Path(str(self._credentials.catalog.database))
                catalog.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(lock.exclusive(catalog.parent, f".{catalog.name}.lock"))
            with self._lake() as connection:
                lake_tables.prepare(connection, self._credentials.storage_url)
            yield

    def _catalog_server(self) -> PostgresCredentials:
        return PostgresCredentials(
            self._credentials.catalog.to_native_representation().replace("postgres://", "postgresql://", 1)
        )

    @contextmanager
    def _lake(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to which the lake is attached under its name. The words of a failure can hold the catalog's address."""
        settings = {"memory_limit": lake_tables.MEMORY, "temp_directory": str(Warehouse(data_dir()).spill)}
        with duckdb.connect(config={**self._extensions(), **settings}) as connection:
            try:
                connection.execute(self._attach_statement())
            except duckdb.Error as error:
                raise ConfigurationError(
                    f"The lake cannot be opened ({type(error).__name__}); see that its catalog and its folder are reachable "
                    f"and writable, and that {_CATALOG_SETTING} and {_STORAGE_SETTING} are right."
                ) from None
            try:
                yield connection
            except duckdb.Error as error:
                raise XledgerError(
                    f"The lake took a step back ({type(error).__name__}); nothing was published. See that catalog and folder "
                    "are reachable and have room, then run again."
                ) from None

    def _attach_statement(self) -> str:
        statement: str = DuckLakeSqlClient.build_attach_statement(
            ducklake_name=lake_tables.LAKE,
            metadata_schema=self._metadata_schema(),
            catalog=self._credentials.catalog,
            storage_url=self._credentials.storage_url,
        )
        return statement

    def _metadata_schema(self) -> str:
        return self._credentials.metadata_schema or self._credentials.ducklake_name

    def _extensions(self) -> dict[str, str]:
        return extension_settings(data_dir() / "build" / "extensions", _EXTENSIONS)

    def land(self, warehouse: Warehouse, console: Console) -> None:
        console.say("Shipping the raw tables to the lake")
        with self._lake() as connection:
            lake_tables.take_raw(connection, warehouse.raw)

    def dbt_environment(self) -> Mapping[str, str]:
        catalog = self._credentials.catalog
        options = {"data_path": self._credentials.storage_url}
        environment = {"TARGET_DUCKLAKE_EXTENSIONS": str(data_dir() / "build" / "extensions")}
        if self._has_server:
            server = self._catalog_server()
            # The rest of the address by libpq's own names, so that no password stands in a statement that dbt could log.
            environment |= {
                "TARGET_DUCKLAKE": "ducklake:postgres:",
                "PGHOST": str(server.host),
                "PGPORT": str(server.port),
                "PGUSER": str(server.username),
                "PGPASSWORD": str(server.password),
                "PGDATABASE": str(server.database),
            }
            options["metadata_schema"] = self._metadata_schema()
        else:
            # dbt works in the data folder.
            environment["TARGET_DUCKLAKE"] = f"ducklake:sqlite:{Path(str(catalog.database)).absolute()}"
            options |= {"meta_journal_mode": "WAL", "meta_busy_timeout": "1000"}
        return environment | {"TARGET_DUCKLAKE_OPTIONS": repr(options)}

    def publish(self, warehouse: Warehouse, changes: Mapping[str, Any], console: Console) -> None:
        has_rows_gone = bool(changes.get("received_gone") or changes.get("not_comparable"))
        with self._lake() as connection:
            lake_tables.publish(connection, warehouse.marts)
            lake_tables.forget_the_past(connection, at_once=has_rows_gone)
        console.say(f"Published to the lake at {self._credentials.storage_url}: schemas marts and audit")
