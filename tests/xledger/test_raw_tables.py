"""What a whole read leaves in the raw tables, row by row against a plain reading of what went over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from plain_reading import expected_row

from pipelines.sandbox import running
from pipelines.xledger import entities
from pipelines.xledger.landing import Rows
from tests.conftest import Read, quick_settings, read

_DOCUMENTS = {"transactions": entities.TRANSACTION_ROWS, "apTransactions": entities.AP_TRANSACTION_ROWS}
_TABLES = ("transaction", "transaction_header", "ap_transaction")
Exchanges = list[dict[str, Any]]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Read, Exchanges]]:
    """A read of the hostile ledger, ids above 2^53, in many small pages."""
    folder = tmp_path_factory.mktemp("hostile")
    with running(lines=2000, hostile=True, large_ids=True) as xledger:
        done = read(folder / "data", quick_settings(xledger.url, xledger.token, page_size=300))
        yield done, xledger.wire()


def _nodes(exchanges: Exchanges, operation: str) -> Iterator[Mapping[str, Any]]:
    asked = [exchange for exchange in exchanges if exchange["operation"] == operation]
    # The guard throws a page with an unreadable line away, and the read begins anew.
    begun = max(number for number, exchange in enumerate(asked) if "after" not in exchange["variables"])
    for exchange in asked[begun:]:
        data = json.loads(exchange["response"], parse_float=Decimal)["data"]
        yield from (edge["node"] for edge in next(iter(data.values()))["edges"] or [])


def _expected(exchanges: Exchanges, operation: str, rows: Rows, table: str) -> Iterator[dict[str, Any]]:
    for node in _nodes(exchanges, operation):
        for split in rows.splits:
            if split.table.name == table and (row := expected_row(split, node))["db_id"] is not None:
                yield row


@pytest.mark.parametrize("table", _TABLES)
def test_raw_tables_agree_with_a_plain_reading(hostile: tuple[Read, Exchanges], table: str) -> None:
    done, exchanges = hostile
    expected = {
        (row["owner_db_id"], row["db_id"]): row
        for operation, rows in _DOCUMENTS.items()
        for row in _expected(exchanges, operation, rows, table)
    }
    with duckdb.connect(str(done.warehouse.raw), read_only=True) as connection:
        landed = connection.execute(f"select * from raw_xledger.{table}").to_arrow_table().to_pylist()
    assert len(landed) == len(expected) > 100
    assert max(row["db_id"] for row in landed) > 2**53 or table == "ap_transaction"
    for row in landed:
        assert row == expected[row["owner_db_id"], row["db_id"]]
