"""TARGET=postgres: raw tables, dbt and marts in one PostgreSQL database; a schema is swapped where DuckDB swaps a file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dlt
import psycopg2
from adbc_driver_postgresql import dbapi
from dlt.destinations.impl.postgres.configuration import PostgresClientConfiguration, PostgresCredentials

from pipelines.console import Console
from pipelines.targets import copied, postgres_schemas
from pipelines.targets.postgres_lock import exclusive
from pipelines.targets.shipping import ship
from pipelines.targets.target import BUILT, INCOMING, Target
from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import ConfigurationError, XledgerError

# Joins are of equal columns, company and id, and hashed they take the time of reading both sides. That these come in pairs
# PostgreSQL cannot see: it takes a million rows for one, and loops over them or merges by company alone. What can only loop still
# does, reckoned so dear that each such statement would be compiled.
_PLANS = "-c enable_nestloop=off -c enable_mergejoin=off -c jit=off"
_REASONS = ("password authentication failed", "connection refused", "timeout", "does not exist", "pg_hba.conf", "ssl")


def credentials_of(destination: dlt.destinations.postgres) -> PostgresCredentials:
    """The connection as dlt's own settings give it (`DESTINATION__POSTGRES__CREDENTIALS`)."""
    # dlt wants a dataset before it resolves anything.
    asked = PostgresClientConfiguration()._bind_dataset_name(INCOMING)
    return destination.configuration(asked).credentials


def connect(credentials: PostgresCredentials, setting: str) -> psycopg2.extensions.connection:
    """A session of its own, which says whose it is.

    Raises:
        ConfigurationError: there is no way in. The server's own words are left out: they can hold more than a name.
    """
    try:
        return psycopg2.connect(
            credentials.to_native_representation(), application_name="xledger-spend", keepalives_idle=60
        )
    except psycopg2.Error as error:
        raise ConfigurationError(
            f"PostgreSQL at {credentials.host}:{credentials.port} lets nobody in as {credentials.username} to the database "
            f"{credentials.database} ({_why(error)}); see that it runs and that {setting} is right."
        ) from None


def _why(error: psycopg2.Error) -> str:
    told = str(error).lower()
    return next((reason for reason in _REASONS if reason in told), type(error).__name__)


class Postgres(Target):
    """One database, its own: every schema in it that bears one of our names was made by this program."""

    name = "postgres"
    packages = ("dbt-postgres", "psycopg2-binary", "adbc-driver-postgresql", "adbc-driver-manager")

    def __init__(self) -> None:
        self._destination = dlt.destinations.postgres()
        self._credentials = credentials_of(self._destination)
        self._session: psycopg2.extensions.connection | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        session = connect(self._credentials, "DESTINATION__POSTGRES__CREDENTIALS")
        try:
            postgres_schemas.refuse_what_is_not_ours(session)
            with exclusive(session, str(self._credentials.database)):
                self._session = session
                yield
        finally:
            self._session = None
            session.close()

    @property
    def _locked(self) -> psycopg2.extensions.connection:
        """The session that holds the lock; every swap goes through it, so a run that lost the lock publishes nothing."""
        if self._session is None:
            raise XledgerError("The target is not held; nothing was published. Report this line.")
        return self._session

    def land(self, warehouse: Warehouse, console: Console) -> None:
        console.say("Shipping the raw tables to PostgreSQL")
        postgres_schemas.make_room(self._locked)
        ship(warehouse, self._destination)
        postgres_schemas.take_incoming(self._locked)

    def dbt_environment(self) -> Mapping[str, str]:
        credentials = self._credentials
        environment = {
            "TARGET_POSTGRES_HOST": str(credentials.host),
            "TARGET_POSTGRES_PORT": str(credentials.port),
            "TARGET_POSTGRES_USER": str(credentials.username),
            "TARGET_POSTGRES_PASSWORD": str(credentials.password),
            "TARGET_POSTGRES_DBNAME": str(credentials.database),
            "PGOPTIONS": f"{os.environ.get('PGOPTIONS', '')} {_PLANS}".strip(),
        }
        # libpq's own names for what dlt takes in the address.
        for option, name in (("sslmode", "PGSSLMODE"), ("sslrootcert", "PGSSLROOTCERT")):
            if value := (credentials.query or {}).get(option):
                environment[name] = str(value)
        return environment

    def fetch_marts(self, warehouse: Warehouse) -> None:
        with dbapi.connect(self._credentials.to_native_representation()) as reader:
            copied.write_copy(warehouse.marts, self._built(reader))

    def _built(self, reader: dbapi.Connection) -> Iterator[copied.Table]:
        for published, built in BUILT.items():
            for table in postgres_schemas.tables_of(self._locked, built):
                columns = ", ".join(f'"{column.name}"' for column in table.columns)
                with reader.cursor() as cursor:
                    cursor.execute(f'select {columns} from "{built}"."{table.name}"')
                    yield copied.Table(published, table.name, table.comment, table.columns, cursor.fetch_record_batch())

    def publish(self, warehouse: Warehouse, changes: Mapping[str, Any], console: Console) -> None:  # noqa: ARG002
        postgres_schemas.publish(self._locked, console)
        console.say(
            f"Published to PostgreSQL {self._credentials.host}/{self._credentials.database}: schemas marts and audit"
        )
