"""TARGET=motherduck: raw tables, history and marts in a database of MotherDuck. **Not run by us**: the same steps as a lake's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dlt
import duckdb
from dlt.destinations.impl.motherduck.configuration import MotherDuckClientConfiguration

from pipelines.console import Console
from pipelines.targets import lake_tables
from pipelines.targets.extensions import extension_settings
from pipelines.targets.target import MADE_ANEW, RAW, SNAPSHOTS, Target
from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import ConfigurationError, XledgerError
from pipelines.xledger.settings import data_dir


class MotherDuck(Target):
    """A database of its own. It has no lock for us: one run at a time is seen to for the data folder alone."""

    name = "motherduck"
    packages = ("duckdb-extension-motherduck",)

    def __init__(self) -> None:
        asked = MotherDuckClientConfiguration()._bind_dataset_name(RAW)
        credentials = dlt.destinations.motherduck().configuration(asked).credentials
        self._database, self._token = str(credentials.database), str(credentials.password)
        if self._database.lower() in ("spend", "received", "built", "memory"):
            raise ConfigurationError(
                f"The database of MotherDuck must not be called {self._database}, as a file of the build is; give it another name."
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._connected() as connection:
            for schema in (SNAPSHOTS, RAW):
                connection.execute(f"create schema if not exists {self._database}.{schema}")
            # What dbt built on the way to the last marts: rows in it can be payroll by now.
            for schema in MADE_ANEW:
                connection.execute(f"drop schema if exists {self._database}.{schema} cascade")
                connection.execute(f"create schema {self._database}.{schema}")
        yield

    @contextmanager
    def _connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            connection = duckdb.connect(
                f"md:{self._database}",
                config={**self._extensions(), "motherduck_token": self._token, "memory_limit": lake_tables.MEMORY},
            )
        except duckdb.Error as error:
            raise ConfigurationError(
                f"MotherDuck did not let us in ({type(error).__name__}); see that DESTINATION__MOTHERDUCK__CREDENTIALS names "
                "the database and a token that may write to it."
            ) from None
        with connection:
            try:
                yield connection
            except duckdb.Error as error:
                raise XledgerError(
                    f"MotherDuck refused a step ({type(error).__name__}); nothing was published. Run again."
                ) from None

    def _extensions(self) -> dict[str, str]:
        return extension_settings(data_dir() / "build" / "extensions", ("motherduck",))

    def land(self, warehouse: Warehouse, console: Console) -> None:
        console.say("Shipping the raw tables to MotherDuck")
        with self._connected() as connection:
            lake_tables.take_raw(connection, warehouse.raw, self._database)

    def dbt_environment(self) -> Mapping[str, str]:
        return {
            "TARGET_MOTHERDUCK_WAREHOUSE": self._database,
            "TARGET_MOTHERDUCK_EXTENSIONS": str(data_dir() / "build" / "extensions"),
            "motherduck_token": self._token,
        }

    def publish(self, warehouse: Warehouse, changes: Mapping[str, Any], console: Console) -> None:  # noqa: ARG002
        with self._connected() as connection:
            lake_tables.publish(connection, warehouse.marts, self._database)
        console.say(f"Published to MotherDuck {self._database}: schemas marts and audit")
