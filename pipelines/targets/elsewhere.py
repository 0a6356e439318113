"""Snowflake, BigQuery and Databricks: written after their manuals, **not run by us**.

dlt ships, and its client speaks to them; what differs between them is how a table takes another's place. None has a lock that a
session holds, so that one run at a time is seen to for the data folder alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import dlt
import duckdb
import pyarrow as pa
from dlt.common.destination import Destination
from dlt.common.exceptions import DltException
from dlt.destinations.sql_client import SqlClientBase

from pipelines.console import Console
from pipelines.targets import copied
from pipelines.targets.shipping import raw_tables, ship
from pipelines.targets.target import BUILT, INCOMING, MADE_ANEW, RAW, SNAPSHOTS, Target
from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import ConfigurationError, XledgerError
from pipelines.xledger.settings import data_dir

_ROWS_AT_ONCE = 50_000
_HISTORY = "supplier_snapshot"


class Elsewhere(Target):
    """A server whose destination in dlt bears the target's own name."""

    # What makes {new} of {old}, as one statement.
    replaces: ClassVar[str]
    quote: ClassVar[str] = "`"

    def __init__(self) -> None:
        self._destination: Destination[Any, Any] = getattr(dlt.destinations, self.name)()
        asked: Any = self._destination.spec()
        self._configuration: Any = self._destination.configuration(asked._bind_dataset_name(INCOMING))

    @contextmanager
    def held(self) -> Iterator[None]:
        try:
            self._run("select 1")
        except XledgerError:
            raise ConfigurationError(
                f"{self.name} did not answer; see that what stands under [destination.{self.name}.credentials] is right."
            ) from None
        yield

    def land(self, warehouse: Warehouse, console: Console) -> None:
        console.say(f"Shipping the raw tables to {self.name}")
        self._run(f"drop schema if exists {INCOMING} cascade")
        ship(warehouse, self._destination)
        with duckdb.connect(str(warehouse.raw), read_only=True) as connection:
            tables = [*raw_tables(connection), "_dlt_loads"]
        self._run(*self.raw_steps(tables, has_history=self._has_history()))

    def raw_steps(self, tables: Sequence[str], *, has_history: bool) -> list[str]:
        """What arrived takes the place of the last raw tables; what was built on those goes, the marts stay."""
        kept = f"""
            create or replace table {SNAPSHOTS}.{_HISTORY} as
            select kept.* from {SNAPSHOTS}.{_HISTORY} as kept
            where exists (
                select 1 from {RAW}.supplier as supplier
                where supplier.owner_db_id = kept.owner_db_id and supplier.db_id = kept.supplier_db_id
            )
        """
        return [
            f"create schema if not exists {RAW}",
            *(self._replaced(table, INCOMING, RAW) for table in tables),
            *([kept] if has_history else []),
            *(f"drop schema if exists {schema} cascade" for schema in (INCOMING, *MADE_ANEW, *BUILT.values())),
        ]

    def publish_steps(self, tables: Mapping[str, Sequence[str]]) -> list[str]:
        """The built marts take the place of the published ones, each table in one step, all of them in some seconds."""
        return [
            *(f"create schema if not exists {published}" for published in BUILT),
            *(self._replaced(table, BUILT[published], published) for published in BUILT for table in tables[published]),
            *(f"drop schema if exists {built} cascade" for built in BUILT.values()),
        ]

    def _replaced(self, table: str, old: str, new: str) -> str:
        name = f"{self.quote}{table}{self.quote}"
        return self.replaces.format(old=f"{old}.{name}", new=f"{new}.{name}")

    def fetch_marts(self, warehouse: Warehouse) -> None:
        with self._client() as client:
            copied.write_copy(warehouse.marts, self._built(client, warehouse))

    def _built(self, client: SqlClientBase[Any], warehouse: Warehouse) -> Iterator[copied.Table]:
        for published, built in BUILT.items():
            for node in _models_of(warehouse, built):
                columns = list(node["columns"])
                with client.execute_query(f"select {', '.join(columns)} from {built}.{node['name']}") as cursor:
                    batches = cursor.iter_arrow(_ROWS_AT_ONCE)
                    first: pa.Table = next(batches)
                    kinds = duckdb.from_arrow(first.schema.empty_table()).types
                    described = [
                        copied.Column(name, str(kind), node["columns"][name]["description"])
                        for name, kind in zip(columns, kinds, strict=True)
                    ]
                    rows = pa.RecordBatchReader.from_batches(first.schema, _batches(first, batches))
                    yield copied.Table(published, node["name"], node["description"], described, rows)

    def publish(self, warehouse: Warehouse, changes: Mapping[str, Any], console: Console) -> None:  # noqa: ARG002
        self._run(
            *self.publish_steps(
                {
                    published: [node["name"] for node in _models_of(warehouse, built)]
                    for published, built in BUILT.items()
                }
            )
        )
        console.say(f"Published to {self.name}: schemas marts and audit")

    @contextmanager
    def _client(self) -> Iterator[SqlClientBase[Any]]:
        pipeline = dlt.pipeline(
            "steps", pipelines_dir=str(data_dir() / "dlt"), destination=self._destination, dataset_name=INCOMING
        )
        with pipeline.sql_client(schema_name="steps") as client:
            yield client

    def _has_history(self) -> bool:
        try:
            self._run(f"select 1 from {SNAPSHOTS}.{_HISTORY} where false")
        except XledgerError:
            return False
        return True

    def _run(self, *statements: str) -> None:
        try:
            with self._client() as client:
                for statement in statements:
                    client.execute_sql(statement)
        except DltException as error:
            raise XledgerError(
                f"{self.name} refused a step ({type(error).__name__}); nothing was published. See its log, then run again."
            ) from None


def _models_of(warehouse: Warehouse, schema: str) -> list[dict[str, Any]]:
    manifest = json.loads((warehouse.build / "dbt" / "manifest.json").read_text(encoding="utf-8"))
    return [
        node for node in manifest["nodes"].values() if node["resource_type"] == "model" and node["schema"] == schema
    ]


def _batches(first: pa.Table, others: Iterator[pa.Table]) -> Iterator[pa.RecordBatch]:
    yield from first.to_batches()
    for table in others:
        yield from table.cast(first.schema).to_batches()


class Snowflake(Elsewhere):
    """A clone copies no bytes; what is replaced stays in its time travel as long as the database has it set."""

    name = "snowflake"
    packages = ("dbt-snowflake", "snowflake-connector-python")
    replaces = "create or replace transient table {new} clone {old}"
    quote = ""

    def dbt_environment(self) -> Mapping[str, str]:
        credentials = self._configuration.credentials
        key: Any = dlt.secrets.get("destination.snowflake.credentials.private_key_path") or ""
        return {
            "TARGET_SNOWFLAKE_ACCOUNT": str(credentials.host),
            "TARGET_SNOWFLAKE_USER": str(credentials.username),
            "TARGET_SNOWFLAKE_PRIVATE_KEY_PATH": key and str(Path(key).absolute()),
            "TARGET_SNOWFLAKE_ROLE": str(credentials.role or ""),
            "TARGET_SNOWFLAKE_WAREHOUSE": str(credentials.warehouse or ""),
            "TARGET_SNOWFLAKE_DATABASE": str(credentials.database),
        }


class BigQuery(Elsewhere):
    """A copy copies no bytes; what is replaced stays in its time travel for two to seven days, which only its owner can shorten."""

    name = "bigquery"
    packages = ("dbt-bigquery", "google-cloud-bigquery")
    replaces = "create or replace table {new} copy {old}"

    def dbt_environment(self) -> Mapping[str, str]:
        keyfile = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
        if not Path(keyfile).is_file():
            raise ConfigurationError(
                "TARGET is bigquery: name the service account's key in GOOGLE_APPLICATION_CREDENTIALS."
            )
        return {
            "TARGET_BIGQUERY_KEYFILE": str(Path(keyfile).absolute()),
            "TARGET_BIGQUERY_PROJECT": str(self._configuration.credentials.project_id),
            "TARGET_BIGQUERY_LOCATION": str(self._configuration.location),
        }


class Databricks(Elsewhere):
    """A deep clone stands by itself; files of what was replaced stay until somebody runs `vacuum`."""

    name = "databricks"
    packages = ("dbt-databricks", "databricks-sql-connector")
    replaces = "create or replace table {new} deep clone {old}"

    def dbt_environment(self) -> Mapping[str, str]:
        credentials = self._configuration.credentials
        return {
            "TARGET_DATABRICKS_HOST": str(credentials.server_hostname),
            "TARGET_DATABRICKS_HTTP_PATH": str(credentials.http_path),
            "TARGET_DATABRICKS_TOKEN": str(credentials.access_token),
            "TARGET_DATABRICKS_CATALOG": str(credentials.catalog),
        }
