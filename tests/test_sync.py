"""`make sync` as a whole, against the sandbox's truth."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipelines.xledger.tables import TABLES
from tests.conftest import Synced
from tests.payroll_search import Canaries, everything_below

# A supplier is one organisation however many names and numbers it has in the ledger; without a number it is its name.
# An expense report's person is nobody's supplier.
_TRUE_SPEND = """
    with suppliers as (
        select supplier_db_id, regexp_replace(any_value(supplier_org_number), '[^0-9]', '', 'g') as number
        from truth.line where supplier_db_id is not null group by all
    ),
    parts as (
        select owner_db_id, db_id, supplier_db_id, supplier_name, amount from truth.split
        union all
        select owner_db_id, db_id, supplier_db_id, supplier_name, amount from truth.line
        anti join truth.split using (owner_db_id, db_id)
    )
    select
        line.owner_db_id,
        line.account_code,
        strftime(line.spend_date, '%Y-%m') as month,
        case
            when line.document_type = 'ER' then 'Employee expenses'
            else coalesce(suppliers.number, parts.supplier_name)
        end as supplier,
        parts.amount
    from parts
    inner join truth.line as line using (owner_db_id, db_id)
    left join suppliers on suppliers.supplier_db_id = parts.supplier_db_id
    where line.is_spend_guarded and not line.is_payroll
"""
_MART_SPEND = """
    select
        owner_db_id,
        account_code,
        strftime(spend_date, '%Y-%m') as month,
        coalesce(regexp_replace(supplier_org_number, '[^0-9]', '', 'g'), supplier_name) as supplier,
        amount_net as amount
    from spend.marts.fct_spend
"""


def _with_truth(synced: Synced) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"attach '{synced.truth}' as truth (read_only)")
    connection.execute(f"attach '{synced.published}' as spend (read_only)")
    connection.execute(f"attach '{synced.data_dir}/build/warehouse.duckdb' as warehouse (read_only)")
    return connection


@pytest.mark.parametrize("by", ["owner_db_id", "account_code", "month", "supplier"])
def test_spend_equals_the_truth(synced: Synced, by: str) -> None:
    differences = (
        _with_truth(synced)
        .execute(
            f"""
            with true_spend as (select {by} as key, sum(amount) as amount from ({_TRUE_SPEND}) group by all),
            mart_spend as (select {by} as key, sum(amount) as amount from ({_MART_SPEND}) group by all)
            select true_spend.key, mart_spend.key, coalesce(true_spend.amount, 0), coalesce(mart_spend.amount, 0)
            from true_spend full join mart_spend on true_spend.key is not distinct from mart_spend.key
            where coalesce(true_spend.amount, 0) <> coalesce(mart_spend.amount, 0)
            """
        )
        .fetchall()
    )
    assert differences == []


def test_there_is_spend(synced: Synced) -> None:
    assert synced.query("select count(*) > 3000, sum(amount_net) > 1000000 from marts.fct_spend") == [(True, True)]


@pytest.mark.parametrize(("truth", "raw"), [("line", "transaction"), ("ap", "ap_transaction")])
def test_raw_rows_are_all_rows_but_payroll(synced: Synced, truth: str, raw: str) -> None:
    [(missing, leaked, unknown)] = (
        _with_truth(synced)
        .execute(
            f"""
            select
                count(*) filter (where raw.db_id is null and not truth.is_payroll),
                count(*) filter (where raw.db_id is not null and truth.is_payroll),
                count(*) filter (where truth.db_id is null)
            from truth.{truth} as truth
            full join warehouse.raw_xledger.{raw} as raw using (owner_db_id, db_id)
            """
        )
        .fetchall()
    )
    assert (missing, leaked, unknown) == (0, 0, 0)


def test_every_raw_table_is_filled_once(synced: Synced) -> None:
    connection = _with_truth(synced)
    for name in TABLES:
        [(rows, keys)] = connection.execute(
            f"select count(*), count(distinct (owner_db_id, db_id)) from warehouse.raw_xledger.{name}"
        ).fetchall()
        assert rows > 0, name
        if name != "recent_transaction":  # One line may have changed several times.
            assert rows == keys, name


def test_raw_columns_are_as_declared(synced: Synced) -> None:
    columns = (
        _with_truth(synced)
        .execute(
            "select table_name, column_name, data_type from duckdb_columns() "
            "where database_name = 'warehouse' and schema_name = 'raw_xledger'"
        )
        .fetchall()
    )
    found = {(table, column): data_type for table, column, data_type in columns}
    for table in TABLES.values():
        for column in table.columns:
            assert found[table.name, column.name] == column.kind.value, (table.name, column.name)


def test_seen_is_received_and_excluded(synced: Synced) -> None:
    evidence = synced.query(
        "select root, any_value(rows_seen), any_value(rows_received), any_value(rows_excluded), sum(excluded_ids) "
        "from audit.payroll_exclusions group by root order by root"
    )
    connection = _with_truth(synced)
    for (root, seen, received, excluded, by_rule), truth in zip(evidence, ("ap", "line"), strict=True):
        [(all_rows, payroll)] = connection.execute(
            f"select count(*), count(*) filter (where is_payroll) from truth.{truth}"
        ).fetchall()
        assert (seen, received, excluded, by_rule) == (all_rows, all_rows - payroll, payroll, payroll), root


def test_the_published_file_holds_marts_and_audit_alone(synced: Synced) -> None:
    assert {schema for (schema,) in synced.query("select distinct schema_name from duckdb_tables()")} == {
        "marts",
        "audit",
    }
    assert synced.query("select count(*) from duckdb_views() where not internal") == [(0,)]


def _gross_amounts(synced: Synced) -> set[Decimal]:
    """The gross amounts of received lines: sums that the marts make, and that may equal somebody's pay by chance."""
    rows = (
        _with_truth(synced).execute("select abs(amount + tax_amount) from warehouse.raw_xledger.transaction").fetchall()
    )
    return {amount for (amount,) in rows}


def test_no_payroll_in_anything_the_run_left(synced: Synced) -> None:
    assert synced.truth
    canaries = Canaries.of(synced.truth).but_for(_gross_amounts(synced))
    assert len(canaries.words) > 100
    assert len(canaries.amounts) > 100
    assert canaries.found_in(synced.output) == set()
    # Key figures are sums over many received lines, and may equal somebody's pay by chance: there only words tell. Amounts are
    # searched for in tests/payroll/test_other_pay.py, in a ledger whose pay is larger than any sum.
    words = Canaries(canaries.words, frozenset())
    for where, text in everything_below(synced.data_dir):
        assert (words if ".kpi_" in where else canaries).found_in(text) == set(), where


def test_no_payroll_in_any_response(synced: Synced) -> None:
    assert synced.truth
    assert synced.wire_log
    canaries = Canaries.of(synced.truth, hashed_on_arrival=True)
    for line in synced.wire_log.read_text(encoding="utf-8").splitlines():
        sent = json.loads(line)
        assert canaries.found_in(sent["response"]) == set(), sent["operation"]


def test_search_finds_what_is_there(synced: Synced, tmp_path: Path) -> None:
    """The search itself: a word and an amount of the truth, hidden in a DuckDB file, are found."""
    assert synced.truth
    canaries = Canaries.of(synced.truth)
    word, amount = min(canaries.words), min(canaries.amounts)
    with duckdb.connect(str(tmp_path / "leak.duckdb")) as connection:
        connection.execute("create table leak as select ? as text, ?::decimal(19, 4) as amount", [word, -amount])
    found = set().union(*(canaries.found_in(text) for _, text in everything_below(tmp_path)))
    assert {word, str(amount)} == found


def test_requests_stay_within_the_budget(synced: Synced) -> None:
    [(lines, requests)] = synced.query(
        "select (select any_value(rows_seen) from audit.payroll_exclusions where root = 'transactions'), requests "
        "from audit.sync_runs"
    )
    assert isinstance(lines, int)
    assert isinstance(requests, int)
    assert requests <= 2.2 * -(-lines // 10_000) + 60


def test_token_is_in_no_file(synced: Synced) -> None:
    assert synced.wire_log
    token = synced.token
    assert token not in synced.output
    for where, text in everything_below(synced.data_dir):
        assert token not in text, where
