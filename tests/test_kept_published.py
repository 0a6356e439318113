"""What was published is taken over for the next audit: beside the requests, or at the end; never what is payroll by now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from pipelines.warehouse import Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = Warehouse(tmp_path / "data")
    made.make_data_dir()
    return made


def _publish(warehouse: Warehouse, lines: Sequence[int]) -> None:
    with duckdb.connect(str(warehouse.published)) as connection:
        connection.execute(
            """
            create schema marts; create schema audit;
            create table audit.sync_runs as select 'last' as run_id, timestamp '2026-01-01' as landed_at;
            create table marts.fct_spend as
            select
                '1-' || line as spend_id, line as transaction_db_id, 1 as owner_db_id, 'Own' as owner_name,
                '4300' as account_code, 'Supplier' as supplier_name, date '2025-12-01' as posted_date,
                10.0000 as amount_net, 'NOK' as company_currency
            from (select unnest($lines::bigint[]) as line)
            """,
            {"lines": lines},
        )


def _read(path: Path, received: Sequence[int], known: Sequence[int] = ()) -> None:
    """A warehouse file with these lines, and these more ids in the census."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """
            create schema raw_xledger; create schema fence;
            create table raw_xledger."transaction" as
            select 1 as owner_db_id, unnest($received::bigint[]) as db_id
            """,
            {"received": received},
        )
        connection.execute(
            "create table fence.gl as select 1 as owner_db_id, unnest($known::bigint[]) as db_id",
            {"known": [*received, *known]},
        )


def _kept(path: Path) -> list[tuple[int, str]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            "select transaction_db_id, run_id from raw_xledger.published_spend order by all"
        ).fetchall()


def test_what_is_published_lies_in_the_copy_and_is_not_taken_over_twice(warehouse: Warehouse) -> None:
    _publish(warehouse, [1, 2])
    _read(warehouse.raw, [1, 2])
    with warehouse.incoming():
        copy = warehouse.copy_for_incoming(warehouse.raw)
        assert _kept(copy) == [(1, "last"), (2, "last")]
        warehouse.begin_incoming(copy)
        warehouse.take_incoming()
    assert _kept(warehouse.raw) == [(1, "last"), (2, "last")]


def test_what_an_earlier_run_took_over_is_replaced(warehouse: Warehouse) -> None:
    _publish(warehouse, [2])
    _read(warehouse.raw, [1, 2])
    with duckdb.connect(str(warehouse.raw)) as connection:
        connection.execute(
            "create table raw_xledger.published_spend as select 1 as transaction_db_id, 'earlier' as run_id"
        )
    with warehouse.incoming():
        warehouse.begin_incoming(warehouse.copy_for_incoming(warehouse.raw))
        warehouse.take_incoming()
    assert _kept(warehouse.raw) == [(2, "last")]


@pytest.mark.parametrize(
    ("known", "stays"), [([3], [(1, "last")]), ([], [(1, "last"), (3, "last")])], ids=["payroll by now", "deleted"]
)
def test_a_published_line_that_was_not_received_waits_for_the_new_census(
    warehouse: Warehouse, known: Sequence[int], stays: list[tuple[int, str]]
) -> None:
    """As after a run that published nothing. Not even a page of the file may hold what is payroll by now."""
    _publish(warehouse, [1, 3])
    _read(warehouse.raw, [1], known)
    with warehouse.incoming():
        copy = warehouse.copy_for_incoming(warehouse.raw)
        assert _kept(copy) == []
        warehouse.begin_incoming(copy)
        warehouse.take_incoming()
    assert _kept(warehouse.raw) == stays


def test_a_new_file_takes_over_but_for_what_is_payroll_by_now(warehouse: Warehouse) -> None:
    _publish(warehouse, [1, 2, 3])
    _read(warehouse.raw, [1, 2, 3])
    with warehouse.incoming():
        warehouse.begin_incoming()
        _read(warehouse.incoming_raw, [1], known=[2])
        warehouse.take_incoming()
    assert _kept(warehouse.raw) == [(1, "last"), (3, "last")]


def test_a_file_published_with_other_columns_is_nothing_to_compare_with(warehouse: Warehouse) -> None:
    with duckdb.connect(str(warehouse.published)) as connection:
        connection.execute("create schema marts; create table marts.fct_spend (transaction_db_id bigint)")
    _read(warehouse.raw, [1])
    with warehouse.incoming():
        warehouse.begin_incoming(warehouse.copy_for_incoming(warehouse.raw))
        warehouse.take_incoming()
    assert _kept(warehouse.raw) == []
