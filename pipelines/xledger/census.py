"""Which rows' ids, types and accounts have to be asked for again, because they or others of their voucher changed.

The census (``fence.gl``, ``fence.ap``) has the ids, types and accounts of both ledgers' rows. A voucher is the unit: when one
of its lines or items changed, all of them are asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from pipelines.xledger.changes import ChangedIds
from pipelines.xledger.payroll import CENSUS_TABLES


class ChangedRows:
    """The ids named as changed in this run, in ``fence.gl_changed`` and ``fence.ap_changed``."""

    def __init__(self, workbench: duckdb.DuckDBPyConnection) -> None:
        self._workbench = workbench
        workbench.execute("create schema if not exists fence")
        for table in CENSUS_TABLES.values():
            workbench.execute(f"create or replace table {table}_changed (db_id bigint, is_asked_for boolean)")

    def add(self, changed: ChangedIds) -> None:
        """Take these ids as changed, now, whether or not they were before."""
        for root, ids in changed.items():
            table = CENSUS_TABLES[root]
            named = f"(select unnest({sorted(ids)}::bigint[]) as db_id)"
            self._workbench.execute(f"delete from {table}_changed where db_id in {named}")
            self._workbench.execute(f"insert into {table}_changed select db_id, false from {named}")

    def take_out(self) -> Mapping[str, list[int]]:
        """Ids by root to ask for; empty when there are none left. What the census had of them is taken out."""
        self._workbench.execute(_CHANGED_VOUCHERS)
        taken: dict[str, list[int]] = {}
        for root, table in CENSUS_TABLES.items():
            self._workbench.execute(
                f"insert into {table}_changed select distinct db_id, false from {table} "
                f"semi join fence.changed_voucher using (owner_db_id, header_db_id) anti join {table}_changed using (db_id)"
            )
            to_ask_for = f"(select db_id from {table}_changed where not is_asked_for)"
            self._workbench.execute(f"delete from {table} where db_id in {to_ask_for}")
            taken[root] = [
                db_id for (db_id,) in self._workbench.execute(f"from {to_ask_for} order by db_id").fetchall()
            ]
            self._workbench.execute(f"update {table}_changed set is_asked_for = true where not is_asked_for")
        return taken if any(taken.values()) else {}


_CHANGED_VOUCHERS = """
create or replace table fence.changed_voucher as
select owner_db_id, header_db_id from fence.gl semi join fence.gl_changed using (db_id) where header_db_id is not null
union
select owner_db_id, header_db_id from fence.ap semi join fence.ap_changed using (db_id) where header_db_id is not null
"""
