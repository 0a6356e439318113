"""Where things lie below DATA_DIR, and the publishing of a finished build."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.xledger.errors import ConfigurationError

RAW_SCHEMA = "raw_xledger"

_MEMORY = "300MB"
# What outlives a full read: the runs and their payroll evidence, and dbt's snapshots.
_HISTORY_TABLES = ("sync_run", "sync_run_entity", "payroll_exclusion")
_SNAPSHOT_SCHEMA = "snapshots"
_PUBLISHED_SPEND = f"""
{RAW_SCHEMA}.published_spend (
    spend_id varchar, transaction_db_id bigint, owner_db_id bigint, owner_name varchar, account_code varchar,
    supplier_name varchar, posted_date date, amount_net decimal(19, 4), company_currency varchar, run_id varchar,
    landed_at timestamp
)
"""
_NOT_RECEIVED = f"""
select owner_db_id, transaction_db_id
from published.marts.fct_spend as spend
anti join {RAW_SCHEMA}."transaction" as line
    on line.owner_db_id = spend.owner_db_id and line.db_id = spend.transaction_db_id
"""
_PAYROLL_BY_NOW = f"""
select not_received.*
from ({_NOT_RECEIVED}) as not_received
semi join fence.gl as known
    on known.owner_db_id = not_received.owner_db_id and known.db_id = not_received.transaction_db_id
"""
_KEEP_PUBLISHED = f"""
insert into {RAW_SCHEMA}.published_spend
select
    spend_id, transaction_db_id, owner_db_id, owner_name, account_code, supplier_name, posted_date, amount_net,
    company_currency, run.run_id, run.landed_at
from published.marts.fct_spend
anti join ({{left_out}}) as left_out using (owner_db_id, transaction_db_id)
cross join (select run_id, landed_at from published.audit.sync_runs order by landed_at desc limit 1) as run
"""
_ARE_ALL_KEPT = f"""
select
    (select count(*) from published.marts.fct_spend) = count(*)
    and coalesce(bool_and(run_id = (select max_by(run_id, landed_at) from published.audit.sync_runs)), true)
from {RAW_SCHEMA}.published_spend
"""


@dataclass(frozen=True)
class Warehouse:
    """Paths below one data folder. ``build`` is private, ``published`` is what analysts open."""

    data_dir: Path

    @property
    def build(self) -> Path:
        return self.data_dir / "build"

    @property
    def raw(self) -> Path:
        return self.build / "warehouse.duckdb"

    @property
    def incoming_raw(self) -> Path:
        """Where a full read loads to. The file's stem is the database's name, so it is the same."""
        return self.build / "incoming" / "warehouse.duckdb"

    @property
    def marts(self) -> Path:
        return self.build / "spend.duckdb"

    @property
    def spill(self) -> Path:
        """Where dbt's profiles and the targets have DuckDB put what its memory does not hold."""
        return self.build / "spill"

    @property
    def published(self) -> Path:
        return self.data_dir / "spend.duckdb"

    @property
    def dlt(self) -> Path:
        return self.data_dir / "dlt"

    @property
    def docs(self) -> Path:
        return self.data_dir / "docs"

    def make_data_dir(self) -> None:
        """Make the folders; what is private is readable by its owner alone.

        Raises:
            ConfigurationError: the data folder cannot be written.
        """
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            for folder in (self.build, self.dlt):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o700)
            probe = self.data_dir / f".probe-{secrets.token_hex(4)}"
            probe.touch(mode=0o600)
            probe.unlink()
        except OSError as error:
            raise ConfigurationError(
                f"The data folder {self.data_dir} cannot be written ({error.strerror}); make it writable or "
                "set DATA_DIR to another."
            ) from None

    def prepare(self) -> None:
        """See that nobody else holds the files, and remove what a killed build spilled: rows of it can be payroll by now.

        Raises:
            ConfigurationError: another program holds a file open, or it is no DuckDB file.
        """
        self._refuse_if_held(self.raw)
        if self.marts.exists():
            self._refuse_if_held(self.marts)
        shutil.rmtree(self.spill, ignore_errors=True)

    def _refuse_if_held(self, path: Path) -> None:
        try:
            duckdb.connect(str(path)).close()
        except duckdb.Error as error:
            held = "could not set lock" in str(error).lower()
            raise ConfigurationError(
                f"{path} is held open by another program; close it there, then run again."
                if held
                else f"{path} is no readable DuckDB file ({type(error).__name__}); move it away, then run again."
            ) from None
        os.chmod(path, 0o600)  # noqa: PTH101

    def salt(self) -> str:
        """The installation's salt for hashed values, made once."""
        path = self.data_dir / "salt"
        if not path.exists():
            fresh = self.data_dir / ".salt"
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_hex(32), encoding="ascii")
            fresh.replace(path)
        return path.read_text(encoding="ascii")

    @contextmanager
    def incoming(self) -> Iterator[None]:
        """Room for new warehouse files, gone again unless `take_incoming` took one.

        A new file rather than new rows in the old one. Where no row has to go it begins as a copy; otherwise it is empty, so
        that rows that are payroll by now leave no bytes behind in free pages.
        """
        shutil.rmtree(self.incoming_raw.parent, ignore_errors=True)
        self.incoming_raw.parent.mkdir(mode=0o700)
        try:
            yield
        finally:
            shutil.rmtree(self.incoming_raw.parent, ignore_errors=True)

    def copy_for_incoming(self, raw: Path) -> Path:
        """A copy of a warehouse file beside the new one, for that to begin with.

        What is published is taken over into it as well: now, while the ledger is asked for.
        """
        copy = self.incoming_raw.with_name("copy.duckdb")
        copy.touch(mode=0o600)
        shutil.copyfile(raw, copy)
        with duckdb.connect(str(copy), config={"memory_limit": _MEMORY}) as connection:
            self._keep_published_ahead(connection)
        return copy

    def begin_incoming(self, copy: Path | None = None) -> None:
        """A new warehouse file, empty or this copy of another, with the history of the present one."""
        if copy is not None:
            copy.replace(self.incoming_raw)
        with duckdb.connect(str(self.incoming_raw)) as connection:
            connection.execute(f"attach '{_quoted(self.raw)}' as present (read_only)")
            for table in self._tables_of_present(connection, RAW_SCHEMA, _HISTORY_TABLES):
                connection.execute(f'create schema if not exists "{RAW_SCHEMA}"')
                connection.execute(
                    f'create or replace table "{RAW_SCHEMA}"."{table}" as from present."{RAW_SCHEMA}"."{table}"'
                )

    def set_incoming_aside(self) -> Path:
        """Make room for another pass, which stands on what this one loaded."""
        aside = self.incoming_raw.with_name("last_pass.duckdb")
        self.incoming_raw.replace(aside)
        return aside

    def _tables_of_present(
        self, connection: duckdb.DuckDBPyConnection, schema: str, names: Sequence[str] | None = None
    ) -> list[str]:
        found = connection.execute(
            "select table_name from duckdb_tables() where database_name = 'present' and schema_name = ? order by 1",
            [schema],
        ).fetchall()
        return [table for (table,) in found if names is None or table in names]

    def _keep_snapshots(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take over the snapshots, of the suppliers that were read now: one that only payroll names any more is forgotten."""
        connection.execute(f"attach '{_quoted(self.raw)}' as present (read_only)")
        for table in self._tables_of_present(connection, _SNAPSHOT_SCHEMA):
            connection.execute(f'create schema if not exists "{_SNAPSHOT_SCHEMA}"')
            connection.execute(
                f'create or replace table "{_SNAPSHOT_SCHEMA}"."{table}" as select kept.* '
                f'from present."{_SNAPSHOT_SCHEMA}"."{table}" as kept semi join "{RAW_SCHEMA}".supplier as supplier '
                "on kept.owner_db_id = supplier.owner_db_id and kept.supplier_db_id = supplier.db_id"
            )

    def _keep_published(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take over what is published now, for the audit of what this run alters; but for lines that are payroll by now.

        These are known to the census of ids (schema ``fence``) and were not received.
        """
        connection.execute(f"create table if not exists {_PUBLISHED_SPEND}")
        with self._attached_published(connection) as is_there:
            if is_there and not _is_true(connection, _ARE_ALL_KEPT):
                connection.execute(_KEEP_PUBLISHED.format(left_out=_PAYROLL_BY_NOW))

    def _keep_published_ahead(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The same in a copy of a file whose rows all stay, or it is no longer used: lines that it has cannot be payroll by now.

        Nothing is taken over where a published line is not among them.
        """
        connection.execute(f"create or replace table {_PUBLISHED_SPEND}")
        with self._attached_published(connection) as is_there:
            if is_there and not _is_true(connection, f"select exists ({_NOT_RECEIVED})"):
                connection.execute(_KEEP_PUBLISHED.format(left_out=f"{_NOT_RECEIVED} limit 0"))

    @contextmanager
    def _attached_published(self, connection: duckdb.DuckDBPyConnection) -> Iterator[bool]:
        """Whether there is a published file. One of a version with other columns is nothing to compare with."""
        if not self.published.exists():
            yield False
            return
        connection.execute(f"attach '{_quoted(self.published)}' as published (read_only)")
        with suppress(duckdb.CatalogException, duckdb.BinderException):
            yield True
        connection.execute("detach published")

    def take_incoming(self) -> None:
        """Put the loaded warehouse in place of the present one, in one step."""
        with duckdb.connect(str(self.incoming_raw)) as connection:
            self._keep_snapshots(connection)
            self._keep_published(connection)
        os.chmod(self.incoming_raw, 0o600)  # noqa: PTH101
        self.incoming_raw.replace(self.raw)
        self.raw.with_suffix(".duckdb.wal").unlink(missing_ok=True)

    def clear_marts(self) -> None:
        """Each build starts from an empty marts file, so nothing of an earlier one stays in its pages."""
        for path in (self.marts, self.marts.with_suffix(".duckdb.wal")):
            path.unlink(missing_ok=True)

    def publish(self) -> None:
        """Put the finished marts in place of the published file, in one step; who has the old one open keeps it."""
        fresh = self.data_dir / f".spend-{secrets.token_hex(4)}.duckdb"
        try:
            # What a build that was ended left beside its file goes into the file first.
            duckdb.connect(str(self.marts)).close()
            shutil.copyfile(self.marts, fresh)
            os.chmod(fresh, 0o644)  # noqa: PTH101
            with fresh.open("rb") as file:
                os.fsync(file.fileno())
            fresh.replace(self.published)
        finally:
            for leftover in self.data_dir.glob(".spend-*"):
                leftover.unlink()


def _is_true(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    return bool(connection.execute(sql).fetchall()[0][0])


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
