"""What stays of the last read: its rows but for those that changed, are payroll by now, or are gone.

All of it is SQL in the workbench, with the last read's warehouse file attached as ``present``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.xledger.changes import ChangedIds
from pipelines.xledger.payroll import AP_TRANSACTIONS, CENSUS_TABLES, EXCLUDED_TABLES, TRANSACTIONS
from pipelines.xledger.standing import Standing
from pipelines.xledger.tables import TABLES
from pipelines.xledger.workbench import on_all_cores

RAW_SCHEMA = "raw_xledger"
# The tables that are not read whole each time.
TAKEN_OVER = ("transaction", "transaction_header", "gl_dimension", "ap_transaction", "system_value")
_RAW_TABLES = {TRANSACTIONS: "transaction", AP_TRANSACTIONS: "ap_transaction"}
# Ids, numbers and codes that rows of the ledgers carry: they come and go with these, and tell nothing by themselves.
_CARRIED = ("transaction_header", "gl_dimension", "system_value", "recent_transaction")
# What the models need to build only what changed (pipelines/last_build.py).
CHANGED_VOUCHERS = "last_build.changed_voucher"


class Kept:
    """The last read's rows and census. ``standing`` is where it stood."""

    def __init__(self, workbench: duckdb.DuckDBPyConnection, path: Path, standing: Standing) -> None:
        self._workbench = workbench
        self._registers_as_they_were: set[str] = set()
        self.standing = standing
        workbench.execute(f"attach '{quoted(path)}' as present (read_only)")

    @classmethod
    def of(cls, workbench: duckdb.DuckDBPyConnection, path: Path) -> Kept | None:
        """What a warehouse file holds; None where no read can stand on it."""
        standing = Standing.of(path)
        return None if standing is None else cls(workbench, path, standing)

    def take_census(self) -> Mapping[str, set[int]]:
        """Put the last read's census into the fence. Gives the ids that changed under it, or were noted since."""
        for table in CENSUS_TABLES.values():
            [columns] = self._workbench.execute(
                f"select string_agg(column_name, ', ') from (describe {table})"
            ).fetchall()
            with on_all_cores(self._workbench):
                self._workbench.execute(f"create or replace table {table} as select {columns[0]} from present.{table}")
        return {
            root: {
                db_id for (db_id,) in self._workbench.execute(f"select db_id from present.{table}_unsettled").fetchall()
            }
            for root, table in CENSUS_TABLES.items()
        }

    def settle(self) -> None:
        """Once the rules have run: which rows stay (``_kept``), and which have to be asked for (``_wanted``)."""
        for root, table in CENSUS_TABLES.items():
            self._workbench.execute(
                f"""
                create or replace table {table}_settled as
                select
                    census.owner_db_id, census.db_id, stored.db_id is not null and changed.db_id is null as is_kept
                from {table} as census
                anti join {EXCLUDED_TABLES[root]} using (db_id)
                left join present.{RAW_SCHEMA}."{_RAW_TABLES[root]}" as stored
                    on stored.owner_db_id = census.owner_db_id and stored.db_id = census.db_id
                left join {table}_changed as changed on changed.db_id = census.db_id;

                create or replace view {table}_kept as
                select owner_db_id, db_id from {table}_settled where is_kept;

                create or replace table {table}_wanted as
                select distinct db_id from {table}_settled where not is_kept
                """
            )

    def changed_registers(self, read: Iterator[Mapping[str, pa.Table]]) -> Iterator[Mapping[str, pa.Table]]:
        """Of registers that were read whole, those that are not, row for row, what is stored. They are read to the end first."""
        came: dict[str, list[pa.Table]] = {}
        for tables in read:
            for name, rows in tables.items():
                if name in TAKEN_OVER:
                    yield {name: rows}
                else:
                    came.setdefault(name, []).append(rows)
        for name, parts in came.items():
            rows = pa.concat_tables(parts)
            if self._is_stored(name, rows):
                self._registers_as_they_were.add(name)
            else:
                yield {name: rows}

    def has_register(self, name: str) -> bool:
        """Whether a register was read, and found to be as it is stored."""
        return name in self._registers_as_they_were

    def _is_stored(self, name: str, rows: pa.Table) -> bool:
        stored = f'present.{RAW_SCHEMA}."{name}"'
        described = self._workbench.execute(
            "select column_name from duckdb_columns() where database_name = 'present' and schema_name = ? and table_name = ?",
            [RAW_SCHEMA, name],
        ).fetchall()
        if {column for (column,) in described} != set(rows.column_names):
            return False
        columns = ", ".join(f'"{column}"' for column in rows.column_names)
        self._workbench.register("as_read", rows)
        [(is_stored,)] = self._workbench.execute(
            f"select not exists (select {columns} from as_read except all select {columns} from {stored}) "
            f"and (select count(*) from as_read) = (select count(*) from {stored})"
        ).fetchall()
        self._workbench.unregister("as_read")
        return bool(is_stored)

    def loses_rows(self) -> bool:
        """Whether a stored row is neither kept nor read anew: deleted in Xledger, or payroll by now."""
        ledgers = {_RAW_TABLES[root]: table for root, table in CENSUS_TABLES.items()}
        for name in self._stored_tables():
            if name in _CARRIED:
                continue
            stored, landed = f'present.{RAW_SCHEMA}."{name}"', f'landed."{name}"'
            if name in ledgers:
                # Of the many that are kept, it is enough to know how many they are.
                kept, wanted = f"{ledgers[name]}_kept", f"{ledgers[name]}_wanted"
                anew = (
                    f"from {stored} semi join {wanted} using (db_id) semi join {landed} using (owner_db_id, db_id) "
                    f"anti join {kept} using (owner_db_id, db_id)"
                )
                is_lost = f"(select count(*) from {stored}) > (select count(*) from {kept}) + (select count(*) {anew})"
            else:
                is_lost = f"exists (from {stored} anti join {landed} using (owner_db_id, db_id))"
            if self._workbench.execute(f"select {is_lost}").fetchall()[0][0]:
                return True
        return False

    def _stored_tables(self) -> list[str]:
        """Raw tables of the last read; each has a list of what was handed out, be it an empty one."""
        found = self._workbench.execute(
            "select table_name from duckdb_tables() where database_name = 'present' and schema_name = ?", [RAW_SCHEMA]
        ).fetchall()
        stored = [name for (name,) in found if name in TABLES]
        for name in stored:
            self._workbench.execute(f'create table if not exists landed."{name}" (owner_db_id bigint, db_id bigint)')
        return stored

    def make_room(self, database: str) -> None:
        """Take out of an attached copy of the last read's file what was read anew, before that is loaded."""
        for sql in _MAKE_ROOM:
            self._workbench.execute(sql.format(new=f"{database}.{RAW_SCHEMA}"))

    def clear_up(self, database: str) -> None:
        """Once what was read anew is loaded: note in which vouchers, and take out what no row points at any more."""
        for sql in (*_NOTE_CHANGED_VOUCHERS, *_CLEAR_UP):
            self._workbench.execute(
                sql.format(
                    old=f"present.{RAW_SCHEMA}",
                    new=f"{database}.{RAW_SCHEMA}",
                    changed_vouchers=f"{database}.{CHANGED_VOUCHERS}",
                    schema=f"{database}.{CHANGED_VOUCHERS.split('.')[0]}",
                )
            )
        self._workbench.execute("detach present")

    def take_over(self, database: str) -> None:
        """Copy the rows that stay, and what they point at, into an attached warehouse file that has what was read anew."""
        for sql in _TAKE_OVER:
            self._workbench.execute(sql.format(old=f"present.{RAW_SCHEMA}", new=f"{database}.{RAW_SCHEMA}"))
        for name in self._registers_as_they_were:
            table = f'{RAW_SCHEMA}."{name}"'
            self._workbench.execute(f"create table {database}.{table} as from present.{table}")
        self._workbench.execute("detach present")


def _same_dimensions(one: str, other: str) -> str:
    """In SQL: two rows have the same five dimension values, any of which may be missing."""
    of_both = (
        f"{one}.gl_object{number}_db_id is not distinct from {other}.gl_object{number}_db_id" for number in range(1, 6)
    )
    return " and ".join((f"{one}.owner_db_id = {other}.owner_db_id", *of_both))


def continue_census(workbench: duckdb.DuckDBPyConnection, database: str) -> None:
    """Bring the census in an attached copy of the last read's file up to date: of what changed, and of what did not come."""
    for root, table in CENSUS_TABLES.items():
        raw = f'{database}.{RAW_SCHEMA}."{_RAW_TABLES[root]}"'
        workbench.execute(
            f"""
            delete from {database}.{table} where db_id in (select db_id from {table}_changed);
            insert into {database}.{table} by name from {table} semi join {table}_changed using (db_id);

            create or replace table {database}.{table}_unsettled as
            select distinct db_id from {table} semi join {table}_wanted using (db_id)
            anti join {EXCLUDED_TABLES[root]} using (db_id)
            anti join (from {raw} semi join {table}_wanted using (db_id)) using (owner_db_id, db_id)
            """
        )


def write_census(workbench: duckdb.DuckDBPyConnection, database: str, *, is_finished: bool = True) -> None:
    """Leave the census of all rows in an attached warehouse file that has all that was read, for the next read.

    Of a finished read, rows that the census has and that did not come are left as unsettled: they changed under the read.
    """
    new = f"{database}.{RAW_SCHEMA}"
    workbench.execute(f"create schema if not exists {database}.fence")
    for root, table in CENSUS_TABLES.items():
        workbench.execute(f"create or replace table {database}.{table} as from {table}")
        if root == TRANSACTIONS:
            # Where the pre-queries asked only for the lines in question, the others are those that were received.
            workbench.execute(_RECEIVED_LINES.format(new=new, census=f"{database}.{table}"))
        workbench.execute(
            f"""
            create or replace table {database}.{table}_unsettled as
            select distinct db_id from {table} anti join {EXCLUDED_TABLES[root]} using (db_id)
            anti join {new}."{_RAW_TABLES[root]}" using (owner_db_id, db_id) where {is_finished}
            """
        )


# The lines are found before their document types are: the two joins do not hold memory at once.
_RECEIVED_LINES = """
insert into {census} by name
with received as materialized (
    select line.owner_db_id, line.db_id, line.header_db_id, line.account_db_id, line.match_id
    from {new}."transaction" as line
    anti join {census} as known on known.owner_db_id = line.owner_db_id and known.db_id = line.db_id
)
select
    received.*,
    header.transaction_source_db_id as document_type_db_id,
    header.transaction_source_code as document_type
from received
left join {new}.transaction_header as header
    on header.owner_db_id = received.owner_db_id and header.db_id = received.header_db_id
"""

_TAKE_OVER = (
    'insert into {new}."transaction" by name from {old}."transaction" semi join fence.gl_kept using (owner_db_id, db_id)',
    """
    insert into {new}.transaction_header by name
    select header.* from {old}.transaction_header as header
    semi join (select owner_db_id, header_db_id as db_id from {new}."transaction") as line using (owner_db_id, db_id)
    anti join {new}.transaction_header as present_header using (owner_db_id, db_id)
    """,
    f"""
    insert into {{new}}.gl_dimension by name
    select dimension.* from {{old}}.gl_dimension as dimension
    semi join {{new}}."transaction" as line
        on {_same_dimensions("line", "dimension")}
    anti join {{new}}.gl_dimension as present_dimension using (owner_db_id, db_id)
    """,
    """
    insert into {new}.ap_transaction by name
    from {old}.ap_transaction semi join fence.ap_kept using (owner_db_id, db_id)
    """,
    """
    insert into {new}.system_value by name
    select value.* from {old}.system_value as value
    semi join (
        select unnest([ledger_type_db_id, sl_transaction_type_db_id, payment_status_db_id]) as db_id from {new}.ap_transaction
    ) as item using (db_id)
    anti join {new}.system_value as present_value using (owner_db_id, db_id)
    """,
)


# In a copy of the last read's file.
_MAKE_ROOM = (
    """
    delete from {new}."transaction" as line where db_id in (select db_id from fence.gl_wanted) and not exists (
        select * from fence.gl_kept as kept where kept.owner_db_id = line.owner_db_id and kept.db_id = line.db_id
    )
    """,
    """
    delete from {new}.ap_transaction as item where db_id in (select db_id from fence.ap_wanted) and not exists (
        select * from fence.ap_kept as kept where kept.owner_db_id = item.owner_db_id and kept.db_id = item.db_id
    )
    """,
    *(
        f"""
        delete from {{new}}.{name} as stored where exists (
            select * from landed.{name} as anew where anew.owner_db_id = stored.owner_db_id and anew.db_id = stored.db_id
        )
        """
        for name in ("transaction_header", "gl_dimension", "system_value")
    ),
)

# What a voucher's lines come to also depends on the items that its own are matched with, wherever these stand.
_NOTE_CHANGED_VOUCHERS = (
    """
    create schema if not exists {schema};
    create table if not exists {changed_vouchers} (owner_db_id bigint, header_db_id bigint);
    """,
    """
    create or replace table fence.gl_replaced as
    from {old}."transaction" semi join fence.gl_wanted using (db_id)
    anti join fence.gl_kept using (owner_db_id, db_id)
    """,
    """
    create or replace table fence.changed_voucher as
    select owner_db_id, header_db_id from fence.gl_replaced
    union
    select owner_db_id, header_db_id from {new}."transaction" semi join fence.gl_wanted using (db_id)
    anti join fence.gl_kept using (owner_db_id, db_id)
    union
    select owner_db_id, transaction_header_db_id from {old}.ap_transaction semi join fence.ap_wanted using (db_id)
    anti join fence.ap_kept using (owner_db_id, db_id)
    union
    select owner_db_id, transaction_header_db_id from {new}.ap_transaction semi join fence.ap_wanted using (db_id)
    anti join fence.ap_kept using (owner_db_id, db_id)
    """,
    """
    create or replace table fence.changed_group as
    select owner_db_id, match_id from {old}.ap_transaction as item
    semi join fence.changed_voucher as voucher
        on voucher.owner_db_id = item.owner_db_id and voucher.header_db_id = item.transaction_header_db_id
    where match_id <> 0
    union
    select owner_db_id, match_id from {new}.ap_transaction as item
    semi join fence.changed_voucher as voucher
        on voucher.owner_db_id = item.owner_db_id and voucher.header_db_id = item.transaction_header_db_id
    where match_id <> 0
    """,
    """
    insert into {changed_vouchers}
    select owner_db_id, header_db_id from fence.changed_voucher
    union
    select owner_db_id, transaction_header_db_id from {new}.ap_transaction
    semi join fence.changed_group using (owner_db_id, match_id)
    """,
)

_CLEAR_UP = (
    """
    delete from {new}.transaction_header as header where exists (
        select * from fence.gl_replaced as line
        where line.owner_db_id = header.owner_db_id and line.header_db_id = header.db_id
    ) and not exists (
        select * from {new}."transaction" as line
        where line.owner_db_id = header.owner_db_id and line.header_db_id = header.db_id
    )
    """,
    f"""
    create or replace table fence.dimension_replaced as
    select distinct
        owner_db_id, gl_object1_db_id, gl_object2_db_id, gl_object3_db_id, gl_object4_db_id, gl_object5_db_id
    from fence.gl_replaced as replaced
    anti join {{new}}."transaction" as line
        on {_same_dimensions("line", "replaced")}
    """,
    f"""
    delete from {{new}}.gl_dimension as dimension using fence.dimension_replaced as replaced
    where {_same_dimensions("replaced", "dimension")}
    """,
    """
    delete from {new}.system_value where db_id in (
        select value.db_id from {new}.system_value as value
        anti join landed.system_value using (owner_db_id, db_id)
        anti join (
            select unnest([ledger_type_db_id, sl_transaction_type_db_id, payment_status_db_id]) as db_id
            from {new}.ap_transaction
        ) as item using (db_id)
    )
    """,
)


def note_changed(path: Path, changed: ChangedIds, standing: Standing) -> None:
    """Leave more ids as unsettled in the last read's warehouse file, and where the feeds stood when they were told."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("begin")
        for root, ids in changed.items():
            connection.execute(f"insert into {CENSUS_TABLES[root]}_unsettled select unnest({sorted(ids)}::bigint[])")
        standing.write(connection, path.stem)
        connection.execute("commit")


def quoted(path: Path) -> str:
    """A path as it stands between single quotes in SQL."""
    return str(path).replace("'", "''")
