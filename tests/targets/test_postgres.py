"""PostgreSQL."""

from contextlib import closing

import psycopg2
import pytest

from pipelines.targets.chosen import chosen_target
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

    @pytest.mark.parametrize("model", ["int_ledger_lines_classified", "int_supplier_attribution"])
    def test_joins_are_hashed(self, landed: Landed, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
        """Of ten million lines the suppliers' ladder had not ended after half an hour: one row was expected of a million."""
        for name, value in landed.place.environment().items():
            monkeypatch.setenv(name, value)
        options = chosen_target().dbt_environment()["PGOPTIONS"]
        models = landed.data_dir / "build" / "dbt" / "compiled" / "xledger_spend" / "models"
        statement = (models / "intermediate" / f"{model}.sql").read_text(encoding="utf-8")
        assert isinstance(landed.place, PostgresPlace)
        url = landed.place.server.url(landed.place.database)
        with closing(psycopg2.connect(url, options=options)) as session, session.cursor() as cursor:
            cursor.execute(f"explain {statement}")
            plan = [str(line).strip() for (line,) in cursor.fetchall()]
        joins = [line for line in plan if "(cost=" in line and ("Join" in line or "Nested Loop" in line)]
        assert joins
        assert [join for join in joins if "Hash" not in join] == []
