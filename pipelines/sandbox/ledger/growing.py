"""A large ledger: copies of the block, made inside DuckDB, with ids, voucher numbers, texts and amounts of their own."""

from __future__ import annotations

import duckdb

from pipelines.sandbox.ledger.writing import Numbers

# Ids of a block are spread over less than this; copies go on above it.
_ITEM_STRIDE = 30_000
_COPIES_AT_ONCE = 8


def grow(ledger: duckdb.DuckDBPyConnection, truth: duckdb.DuckDBPyConnection, copies: int, numbers: Numbers) -> None:
    """Copy the block ``copies - 1`` times. Every amount of a copy is the block's times 1 to 9, so vouchers still add up."""
    if copies == 1:
        return
    low = {
        name: ledger.execute(f'select min("{column}") from "{table}"').fetchone()
        for name, table, column in (
            ("line", "Transaction", "dbId"),
            ("header", "TransactionHeader", "dbId"),
            ("item", "APTransaction", "dbId"),
        )
    }
    spans = {
        "line": numbers.lines - _first(low["line"]) + 1,
        "header": numbers.headers - _first(low["header"]) + 3,
        "item": numbers.items - _first(low["item"]) + 1,
        "match": numbers.matches - 1_000_001 + 1,
    }
    factor = "(1 + copy % 9)"
    line, header, item, match = (f"copy * {spans[name]}" for name in ("line", "header", "item", "match"))
    headers = f"""
        "dbId" + {header} as "dbId", "transactionNumber" + copy * 100000 as "transactionNumber",
        "trRegNumber" + copy * 100000 as "trRegNumber", "text" || ' ·' || copy as "text", "invoiceFileDbId" + {header} as "invoiceFileDbId"
    """
    lines = f"""
        "dbId" + {line} as "dbId", "headerDbId" + {header} as "headerDbId", "text" || ' ·' || copy as "text",
        case when "matchId" = 0 then 0 else "matchId" + {match} end as "matchId", "amount" * {factor} as "amount",
        "invoiceAmount" * {factor} as "invoiceAmount", "taxAmount" * {factor} as "taxAmount"
    """
    items = f"""
        "dbId" + {item} as "dbId", "transactionHeaderDbId" + {header} as "transactionHeaderDbId", "text" || ' ·' || copy as "text",
        "invoiceNumber" || '-' || copy as "invoiceNumber", "paymentReference" || copy as "paymentReference",
        case when "matchId" = 0 then 0 else "matchId" + {match} end as "matchId", "amount" * {factor} as "amount",
        "invoiceAmount" * {factor} as "invoiceAmount", "invoiceRemaining" * {factor} as "invoiceRemaining",
        "invoiceFileDbId" + {header} as "invoiceFileDbId"
    """
    _copy(ledger, '"TransactionHeader"', headers, copies, '"dbId"')
    _copy(ledger, '"Transaction"', lines, copies, '"dbId"')
    _copy(ledger, '"APTransaction"', items, copies, '"dbId"')
    _copy(ledger, '"File"', f'"dbId" + {header} as "dbId"', copies, '"dbId"')
    ids = f"db_id + {line} as db_id, header_db_id + {header} as header_db_id, amount * {factor} as amount"
    _copy(truth, "line", ids, copies, "db_id")
    item_ids = f"db_id + {item} as db_id, header_db_id + {header} as header_db_id, amount * {factor} as amount, remaining * {factor} as remaining"
    _copy(truth, "ap", item_ids, copies, "db_id")
    _copy(truth, "split", f"db_id + {line} as db_id, amount * {factor} as amount", copies, "db_id")


def _copy(connection: duckdb.DuckDBPyConnection, table: str, replaced: str, copies: int, order: str) -> None:
    connection.execute(f"create temp table block as select * from {table}")
    for first in range(1, copies, _COPIES_AT_ONCE):
        last = min(first + _COPIES_AT_ONCE, copies)
        connection.execute(
            f"insert into {table} select * replace ({replaced}) from block, range({first}, {last}) as copies(copy) order by copy, {order}"
        )
    connection.execute("drop table block")


def _first(row: tuple[int] | None) -> int:
    assert row is not None  # noqa: S101
    return row[0]
