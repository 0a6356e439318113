"""Makes a ledger and its truth: two DuckDB files in a folder."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.sandbox.ledger.books import NOW, Books
from pipelines.sandbox.ledger.cases import post_cases
from pipelines.sandbox.ledger.deltas import write_deltas
from pipelines.sandbox.ledger.group import GroupBuilder
from pipelines.sandbox.ledger.growing import grow
from pipelines.sandbox.ledger.hostile import EXTRA_ACCOUNTS, post_hostile
from pipelines.sandbox.ledger.masters import invented_masters
from pipelines.sandbox.ledger.months import post_months
from pipelines.sandbox.ledger.writing import insert, number_vouchers, write_ledger, write_truth
from pipelines.sandbox.options import SandboxOptions
from pipelines.sandbox.tables import create_tables_sql

_LARGEST_BLOCK = 25_000
_SMALLEST_LEDGER = 1_000


@dataclass(frozen=True)
class LedgerFiles:
    """The two files of a ledger."""

    ledger: Path
    truth: Path

    @classmethod
    def within(cls, folder: Path) -> LedgerFiles:
        """Their paths in a folder."""
        return cls(folder / "ledger.duckdb", folder / "truth.duckdb")


def make_ledger(folder: Path, options: SandboxOptions) -> LedgerFiles:
    """Generate the ledger that the options ask for: one hand-made and seeded block, copied until there are enough lines.

    Raises:
        ValueError: a number of lines that cannot be made.
    """
    if options.lines and options.lines < _SMALLEST_LEDGER:
        raise ValueError(f"lines must be 0 or at least {_SMALLEST_LEDGER}")
    files = LedgerFiles.within(folder)
    copies = max(1, -(-options.lines // _LARGEST_BLOCK))
    group = GroupBuilder(options.seed, options.employees, is_hostile=options.hostile).build()
    books = Books(group, random.Random(options.seed))  # noqa: S311
    if options.lines:
        post_cases(books)
        if options.hostile:
            post_hostile(books)
        post_months(books, -(-options.lines // copies))
    masters = invented_masters(group, EXTRA_ACCOUNTS if options.hostile else [])
    spans = number_vouchers(books, large_ids=options.large_ids)
    limit: dict[str, str | bool | int | float | list[str]] = {"memory_limit": options.memory_limit}
    with (
        duckdb.connect(str(files.ledger), config=limit) as ledger,
        duckdb.connect(str(files.truth), config=limit) as truth,
    ):
        ledger.execute(create_tables_sql())
        ledger.execute('insert into "Clock" values (?)', [NOW])
        for type_name, rows in masters.rows():
            insert(ledger, type_name, rows)
        write_ledger(ledger, books, masters)
        write_truth(truth, books, masters)
        if copies > 1:
            grow(ledger, truth, copies, spans)
        write_deltas(ledger)
    return files
