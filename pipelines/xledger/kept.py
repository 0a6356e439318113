"""What stays of the last read: its rows but for those that changed, are payroll by now, or are gone.

All of it is SQL in the workbench, with the last read's warehouse file attached as ``present``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from pipelines.xledger.changes import ChangedIds
from pipelines.xledger.payroll import AP_TRANSACTIONS, CENSUS_TABLES, EXCLUDED_TABLES, TRANSACTIONS
from pipelines.xledger.standing import Standing

RAW_SCHEMA = "raw_xledger"
# The tables that are not read whole each time.
TAKEN_OVER = ("transaction", "transaction_header", "gl_dimension", "ap_transaction", "system_value")
_RAW_TABLES = {TRANSACTIONS: "transaction", AP_TRANSACTIONS: "ap_transaction"}


class Kept:
    """The last read's rows and census. ``standing`` is where it stood."""

    def __init__(self, workbench: duckdb.DuckDBPyConnection, path: Path, standing: Standing) -> None:
        self._workbench = workbench
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
            self._workbench.execute(f"insert into {table} by name from present.{table}")
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
                create or replace table {table}_kept as
                select owner_db_id, db_id from present.{RAW_SCHEMA}."{_RAW_TABLES[root]}"
                semi join {table} using (owner_db_id, db_id)
                anti join {EXCLUDED_TABLES[root]} using (db_id)
                anti join {table}_changed using (db_id);

                create or replace table {table}_wanted as
                select distinct db_id from {table}
                anti join {table}_kept using (owner_db_id, db_id)
                anti join {EXCLUDED_TABLES[root]} using (db_id)
                """
            )

    def take_over(self, database: str) -> None:
        """Copy the rows that stay, and what they point at, into an attached warehouse file that has what was read anew."""
        for sql in _TAKE_OVER:
            self._workbench.execute(sql.format(old=f"present.{RAW_SCHEMA}", new=f"{database}.{RAW_SCHEMA}"))
        self._workbench.execute("detach present")


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


_RECEIVED_LINES = """
insert into {census} by name
select
    line.owner_db_id,
    line.db_id,
    line.header_db_id,
    line.account_db_id,
    line.match_id,
    header.transaction_source_db_id as document_type_db_id,
    header.transaction_source_code as document_type
from {new}."transaction" as line
left join {new}.transaction_header as header
    on header.owner_db_id = line.owner_db_id and header.db_id = line.header_db_id
anti join {census} as known on known.owner_db_id = line.owner_db_id and known.db_id = line.db_id
"""

_TAKE_OVER = (
    'insert into {new}."transaction" by name from {old}."transaction" semi join fence.gl_kept using (owner_db_id, db_id)',
    """
    insert into {new}.transaction_header by name
    select header.* from {old}.transaction_header as header
    semi join (select owner_db_id, header_db_id as db_id from {new}."transaction") as line using (owner_db_id, db_id)
    anti join {new}.transaction_header as present_header using (owner_db_id, db_id)
    """,
    """
    insert into {new}.gl_dimension by name
    select dimension.* from {old}.gl_dimension as dimension
    semi join {new}."transaction" as line
        on line.owner_db_id = dimension.owner_db_id
        and line.gl_object1_db_id is not distinct from dimension.gl_object1_db_id
        and line.gl_object2_db_id is not distinct from dimension.gl_object2_db_id
        and line.gl_object3_db_id is not distinct from dimension.gl_object3_db_id
        and line.gl_object4_db_id is not distinct from dimension.gl_object4_db_id
        and line.gl_object5_db_id is not distinct from dimension.gl_object5_db_id
    anti join {new}.gl_dimension as present_dimension using (owner_db_id, db_id)
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
