"""The engines under test: how a sync is pointed at one, what its readers see, and every text that lies in its files."""

from __future__ import annotations

import json
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
from psycopg2.extensions import connection as Session

from pipelines.targets.extensions import extension_settings
from tests.payroll_search import everything_below
from tests.targets.postgres_server import Server
from tests.targets.same_tables import SCHEMAS, Rows, Tables, rows_of, tables_of

_READ = "select count(*), sum(amount_net), string_agg(distinct supplier_name, '|' order by supplier_name) from {}"


class Place(ABC):
    """One target, empty in the beginning."""

    name: str

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """What points a sync at it."""

    @abstractmethod
    def tables(self) -> Tables:
        """Marts and audit, as somebody reads them who has nothing of this program."""

    @abstractmethod
    def texts(self) -> Iterator[tuple[str, str]]:
        """Every file as bytes, and every row of every table."""

    @abstractmethod
    def reader(self) -> AbstractContextManager[Any]:
        """A function that reads spend lines and their sum, always in the same open transaction."""


class PostgresPlace(Place):
    name = "postgres"

    def __init__(self, server: Server) -> None:
        self.server = server
        self.database = server.new_database("spend")

    def environment(self) -> dict[str, str]:
        return {"TARGET": "postgres", "DESTINATION__POSTGRES__CREDENTIALS": self.server.url(self.database)}

    def tables(self) -> Tables:
        with self.server.session(self.database) as session:
            return {
                f"{schema}.{table}": _rows(session, schema, table)
                for schema, table in _tables(session)
                if schema in SCHEMAS
            }

    def texts(self) -> Iterator[tuple[str, str]]:
        yield from _texts_of(self.server, self.database)

    @contextmanager
    def reader(self) -> Iterator[Any]:
        with self.server.session(self.database) as session:
            session.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with session.cursor() as cursor:

                def read() -> object:
                    cursor.execute(_READ.format("marts.fct_spend"))
                    return cursor.fetchone()

                yield read


def _texts_of(server: Server, database: str) -> Iterator[tuple[str, str]]:
    """Every file of the server but those of other tests' databases, and every row of this one."""
    server.run(database, "checkpoint")
    with server.session(database) as session:
        with session.cursor() as cursor:
            cursor.execute("select oid::text from pg_database where datname = current_database()")
            [(own,)] = cursor.fetchall()
        yield from everything_below(
            server.folder,
            lambda path: path.is_file() and (path.parent.parent.name != "base" or path.parent.name == own),
        )
        for schema, table in _tables(session):
            rows = _rows(session, schema, table).rows
            yield f"{schema}.{table}", "\n".join("\t".join(map(str, row)) for row in rows)


def _tables(session: Session) -> list[tuple[str, str]]:
    with session.cursor() as cursor:
        cursor.execute(
            "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        )
        return list(cursor.fetchall())


def _rows(session: Session, schema: str, table: str) -> Rows:
    with session.cursor() as cursor:
        cursor.execute(f'select * from {schema}."{table}"')
        return rows_of([column.name for column in cursor.description or ()], cursor.fetchall())


class LakePlace(Place):
    """A DuckLake in a folder; with a ``server``, its catalog is a database there."""

    def __init__(self, server: Server | None) -> None:
        self.server = server
        self.name = "ducklake with a server" if server else "ducklake with a file"
        self.folder = Path(tempfile.mkdtemp(prefix="xledger-lake-"))
        self.database = server.new_database("lake") if server else ""

    def environment(self) -> dict[str, str]:
        catalog = self.server.url(self.database) if self.server else f"sqlite:///{self.folder}/catalog.sqlite"
        return {
            "TARGET": "ducklake",
            "DESTINATION__DUCKLAKE__CREDENTIALS__CATALOG": catalog,
            "DESTINATION__DUCKLAKE__CREDENTIALS__STORAGE__BUCKET_URL": str(self.folder / "files"),
        }

    @contextmanager
    def connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        settings = extension_settings(
            self.folder.with_suffix(".ext"), ("ducklake", "postgres_scanner", "sqlite_scanner")
        )
        with duckdb.connect(config=settings) as connection:
            if self.server:
                where, options = f"postgres:{self.server.url(self.database)}", "metadata_schema 'ducklake'"
            else:
                where, options = f"sqlite:{self.folder}/catalog.sqlite", "meta_journal_mode 'WAL'"
            connection.execute(f"attach 'ducklake:{where}' as lake ({options}, read_only)")
            yield connection

    def tables(self) -> Tables:
        with self.connected() as connection:
            return tables_of(connection, "lake")

    def texts(self) -> Iterator[tuple[str, str]]:
        yield from everything_below(self.folder)
        if self.server:
            yield from _texts_of(self.server, self.database)

    @contextmanager
    def reader(self) -> Iterator[Any]:
        with self.connected() as connection:
            connection.execute("begin transaction")

            def read() -> object:
                return connection.execute(_READ.format("lake.marts.fct_spend")).fetchone()

            yield read

    def remove(self) -> None:
        shutil.rmtree(self.folder)
        shutil.rmtree(self.folder.with_suffix(".ext"), ignore_errors=True)


# More parts, and waiting for the nearer worker, would take longer than the rows of a test. So would compiling each query, and
# inferring from each part of a plan what another could leave out.
LITTLE_DATA = {
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.locality.wait": "0s",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.constraintPropagation.enabled": "false",
}
# Three machines on two cores that live for some minutes: what takes long to optimise does not pay.
SHORT_LIVES = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


class SparkPlace(Place):
    """A folder, and a session with two workers of their own processes, so that rows really move between them."""

    name = "spark"

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="xledger-spark-"))
        # The workers write below Spark's home, which is otherwise the package's.
        self.home = self.folder / "home"
        self.home.mkdir()
        for path in Path(str(find_spec("pyspark").origin)).parent.iterdir():  # type: ignore[union-attr]
            (self.home / path.name).symlink_to(path)

    def environment(self) -> dict[str, str]:
        return {
            "TARGET": "spark",
            "DESTINATION__FILESYSTEM__BUCKET_URL": (self.folder / "files").as_uri(),
            "SPARK__MASTER": "local-cluster[2,1,1024]",
            "SPARK__SETTINGS": json.dumps(LITTLE_DATA),
            "SPARK_HOME": str(self.home),
            "SPARK_LOCAL_DIRS": str(self.folder / "moved"),
            "DBT_THREADS": "2",
            "JAVA_TOOL_OPTIONS": SHORT_LIVES,
        }

    def tables(self) -> Tables:
        published = (self.folder / "files" / "current").resolve()
        with duckdb.connect() as connection:
            return {
                f"{schema}.{table.name}": _rows_of_files(connection, table)
                for schema in SCHEMAS
                for table in (published / schema).iterdir()
            }

    def texts(self) -> Iterator[tuple[str, str]]:
        yield from everything_below(self.folder / "files")
        yield from everything_below(self.folder / "moved")
        yield from everything_below(self.home / "work")

    @contextmanager
    def reader(self) -> Iterator[Any]:
        published = (self.folder / "files" / "current").resolve()
        with duckdb.connect() as connection:

            def read() -> object:
                return connection.execute(_READ.format(f"'{published}/marts/fct_spend/*.parquet'")).fetchone()

            yield read

    def remove(self) -> None:
        shutil.rmtree(self.folder)


def _rows_of_files(connection: duckdb.DuckDBPyConnection, folder: Path) -> Rows:
    read = connection.execute(f"from '{folder}/*.parquet'")
    return rows_of([column[0] for column in read.description or ()], read.fetchall())
