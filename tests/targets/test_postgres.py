"""PostgreSQL."""

from tests.targets.engine_tests import GoesOn
from tests.targets.landed import Landed
from tests.targets.places import PostgresPlace

# Never analyzed, a table has -1 rows; autovacuum comes once a minute at the most.
_NEVER_ANALYZED = """
    select relname from pg_class
    where relkind = 'r' and reltuples < 0
        and relnamespace in (select oid from pg_namespace where nspname in ('intermediate', 'marts'))
        and (relname like 'int_%' or relname in ('fct_spend', 'fct_ledger_line', 'fct_ap_invoice'))
    order by 1
"""


class TestPostgres(GoesOn):
    kind = "postgres"

    def test_tables_are_analyzed_as_they_are_made(self, landed: Landed) -> None:
        """Else a join on company and id becomes a loop in a loop: minutes for 200,000 lines."""
        assert isinstance(landed.place, PostgresPlace)
        with landed.place.server.session(landed.place.database) as session, session.cursor() as cursor:
            cursor.execute("select count(*) from pg_class where relname in ('fct_spend', 'int_category_candidates')")
            assert cursor.fetchone() == (2,)
            cursor.execute(_NEVER_ANALYZED)
            assert cursor.fetchall() == []
