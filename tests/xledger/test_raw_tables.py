"""What a whole read leaves in the raw tables, row by row against a plain reading of what went over the wire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import pytest
from plain_reading import at, expected_row

from pipelines.sandbox import running
from pipelines.xledger import entities
from pipelines.xledger.landing import Rows
from pipelines.xledger.parsing import CONNECTION
from pipelines.xledger.tables import TABLES
from tests.conftest import Read, quick_settings, read
from tests.wire import documents

_LEDGER = {"transactions": entities.TRANSACTION_ROWS, "apTransactions": entities.AP_TRANSACTION_ROWS}
# Entities come first: their owners say more than those that other rows carry.
_REGISTERS = {
    "entities": entities.ENTITY_ROWS,
    "accounts": entities.ACCOUNT_ROWS,
    "suppliers": entities.SUPPLIER_ROWS,
    "subledgers": entities.SUBLEDGER_ROWS,
    "companies": entities.COMPANY_ROWS,
    "contacts": entities.CONTACT_ROWS,
    "countries": entities.COUNTRY_ROWS,
    "currencies": entities.CURRENCY_ROWS,
    "objectValues": entities.OBJECT_VALUE_ROWS,
    "setup": entities.OBJECT_ROWS,
    "transactionDeltas": entities.DELTA_ROWS,
    "recentTransactions": entities.RECENT_ROWS,
}
Exchanges = list[dict[str, Any]]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Read, Exchanges]]:
    """A read of the hostile ledger, ids above 2^53, in many small pages."""
    folder = tmp_path_factory.mktemp("hostile")
    with running(lines=2000, hostile=True, large_ids=True) as xledger:
        done = read(folder / "data", quick_settings(xledger.url, xledger.token, page_size=300))
        yield done, list(documents(xledger.wire()))


def _nodes(exchanges: Exchanges, operation: str, rows: Rows) -> Iterator[Mapping[str, Any]]:
    asked = [exchange for exchange in exchanges if exchange["operation"] == operation]
    if operation in _LEDGER:
        # The guard throws a page with an unreadable line away, and the read begins anew.
        asked = asked[max(number for number, exchange in enumerate(asked) if "after" not in exchange["variables"]) :]
    for exchange in asked:
        tree = exchange["answer"]
        if rows.node_path == CONNECTION:
            yield from (edge["node"] for edge in tree["edges"] or [])
        else:
            yield from at(tree, rows.node_path)


def _expected(done: Read, exchanges: Exchanges, table: str) -> dict[tuple[int, int], dict[str, Any]]:
    """By key, as raw rows; where the API gave a row twice, the first."""
    salt = done.warehouse.salt()
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for operation, rows in (_LEDGER | _REGISTERS).items():
        for split in rows.splits:
            if split.table.name == table:
                for node in _nodes(exchanges, operation, rows):
                    row = expected_row(split, node, salt)
                    if row["db_id"] is not None:
                        found.setdefault((row["owner_db_id"], row["db_id"]), row)
    return found


def _landed(done: Read, table: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(done.warehouse.raw), read_only=True) as connection:
        return connection.execute(f"select * from raw_xledger.{table}").to_arrow_table().to_pylist()


@pytest.mark.parametrize("table", TABLES)
def test_raw_tables_agree_with_a_plain_reading(hostile: tuple[Read, Exchanges], table: str) -> None:
    done, exchanges = hostile
    expected = _expected(done, exchanges, table)
    if table == "recent_transaction":
        # The feeds name payroll as well; only rows that were received are kept.
        received = {row["db_id"] for row in _landed(done, "transaction")}
        expected = {key: row for key, row in expected.items() if row["db_id"] in received}
    landed = _landed(done, table)
    assert len(landed) == len(expected) > 0
    for row in landed:
        assert row == expected[row["owner_db_id"], row["db_id"]]


def test_the_ledgers_ids_are_beyond_what_a_double_holds(hostile: tuple[Read, Exchanges]) -> None:
    rows = _landed(hostile[0], "transaction")
    assert len(rows) > 100
    assert min(row["db_id"] for row in rows) > 2**53
