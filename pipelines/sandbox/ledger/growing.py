"""A large ledger: copies of the block, made inside DuckDB, with ids, voucher numbers, texts and amounts of their own.

Every amount of a copy is the block's times 1 to 9, so that vouchers still add up; every text and invoice number ends in
the copy's number.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from pipelines.sandbox.ledger.writing import Spans

_COPIES_AT_ONCE = 8
_FACTOR = "(1 + copy % 9)"


def grow(ledger: duckdb.DuckDBPyConnection, truth: duckdb.DuckDBPyConnection, copies: int, spans: Spans) -> None:
    """Copy the block ``copies - 1`` times; ``spans`` is how far the ids of one block reach."""
    line, header, item, match = (f"copy * {span}" for span in (spans.lines, spans.headers, spans.items, spans.matches))
    matched = f'case when "matchId" = 0 then 0 else "matchId" + {match} end'
    numbered = ("transactionNumber", "trRegNumber")
    _copy(
        ledger,
        "TransactionHeader",
        copies,
        {"dbId": header, "invoiceFileDbId": header} | dict.fromkeys(numbered, "copy * 100000"),
        suffixed=("text",),
    )
    _copy(
        ledger,
        "Transaction",
        copies,
        {"dbId": line, "headerDbId": header},
        suffixed=("text",),
        multiplied=("amount", "invoiceAmount", "taxAmount"),
        replaced={"matchId": matched},
    )
    for table in ("APTransaction", "ARTransaction"):
        _copy(
            ledger,
            table,
            copies,
            {"dbId": item, "transactionHeaderDbId": header, "invoiceFileDbId": header},
            suffixed=("text", "invoiceNumber", "paymentReference"),
            multiplied=("amount", "invoiceAmount", "invoiceRemaining"),
            replaced={"matchId": matched},
        )
    _copy(ledger, "File", copies, {"dbId": header})
    _copy(truth, "line", copies, {"db_id": line, "header_db_id": header}, multiplied=("amount",))
    _copy(truth, "ap", copies, {"db_id": item, "header_db_id": header}, multiplied=("amount", "remaining"))
    truth.execute(_SPLIT_COPIES, {"first": spans.first_line + spans.lines})


def _copy(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    copies: int,
    shifted: Mapping[str, str],
    *,
    suffixed: tuple[str, ...] = (),
    multiplied: tuple[str, ...] = (),
    replaced: Mapping[str, str] | None = None,
) -> None:
    changes = {name: f'"{name}" + {shift}' for name, shift in shifted.items()}
    changes |= {name: f"\"{name}\" || '-' || copy" for name in suffixed}
    changes |= {name: f'"{name}" * {_FACTOR}' for name in multiplied}
    changes |= replaced or {}
    key = next(iter(shifted))
    replacing = ", ".join(f'{expression} as "{name}"' for name, expression in changes.items())
    connection.execute(f'create temp table block as select * from "{table}"')
    for first in range(1, copies, _COPIES_AT_ONCE):
        last = min(first + _COPIES_AT_ONCE, copies)
        connection.execute(
            f'insert into "{table}" select block.* replace ({replacing}) from block, range({first}, {last}) as copies(copy)'
            f' order by copy, "{key}"'
        )
    connection.execute("drop table block")


# Largest remainders do not grow with the amount: the parts of a copied line are worked out anew.
_SPLIT_COPIES = """
insert into split
with invoiced as (
    select line.owner_db_id, line.db_id, ap.subledger_db_id as supplier_db_id, ap.supplier_name,
        (line.amount * 100)::hugeint * (ap.amount * 100)::hugeint as product,
        (sum(ap.amount) over (partition by line.db_id) * 100)::hugeint as total, (line.amount * 100)::hugeint as amount
    from line join ap on ap.header_db_id = line.header_db_id
    where line.attribution = 'pro_rata' and line.db_id >= $first
),
parts as (
    select *, abs(product) // abs(total) as whole,
        row_number() over (partition by db_id order by abs(product) % abs(total) desc, supplier_db_id) as rank,
        abs(amount) - sum(abs(product) // abs(total)) over (partition by db_id) as left_over
    from invoiced
)
select owner_db_id, db_id, supplier_db_id, supplier_name,
    (sign(amount) * (whole + case when rank <= left_over then 1 else 0 end) * 0.01)::DECIMAL(18,2)
from parts
"""
