"""Marts of another engine, written into the file that the sync publishes on its own machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.targets.copied import Column, Table, write_copy

BATCHES, ROWS = 80, 50_000
AMOUNT = "12345678901234.5678"
# Money takes longer to read from text than to come.
COLUMNS = [Column(f"amount_{number}", "DECIMAL(19,4)") for number in range(8)]


def test_a_table_is_written_part_by_part_and_never_held_whole(tmp_path: Path) -> None:
    before, held = pa.total_allocated_bytes(), []

    def batches() -> Iterator[pa.RecordBatch]:
        for _ in range(BATCHES):
            held.append(pa.total_allocated_bytes() - before)
            amounts = pa.repeat(pa.scalar(AMOUNT), ROWS)
            yield pa.RecordBatch.from_arrays([amounts] * len(COLUMNS), names=[column.name for column in COLUMNS])

    schema = pa.schema([(column.name, pa.string()) for column in COLUMNS])
    rows = pa.RecordBatchReader.from_batches(schema, batches())
    write_copy(tmp_path / "spend.duckdb", [Table("marts", "fct_spend", None, COLUMNS, rows)])

    batch_bytes = ROWS * (len(AMOUNT) + 4)
    assert max(held) <= 12 * batch_bytes, max(held) / batch_bytes
    with duckdb.connect(str(tmp_path / "spend.duckdb"), read_only=True) as copy:
        told = copy.execute("select count(*), count(distinct amount_7), max(amount_7)::varchar from marts.fct_spend")
        assert told.fetchone() == (BATCHES * ROWS, 1, AMOUNT)


def test_a_part_that_is_not_full_is_written_too(tmp_path: Path) -> None:
    whole = pa.table({"amount": ["1.0000", "-0.0050", "999999999999999.9999"]})
    tables = [
        Table("marts", "some", None, [Column("amount", "DECIMAL(19,4)")], whole.to_reader()),
        Table("marts", "none", None, [Column("amount", "DECIMAL(19,4)")], whole.slice(0, 0).to_reader()),
    ]
    write_copy(tmp_path / "spend.duckdb", tables)
    with duckdb.connect(str(tmp_path / "spend.duckdb"), read_only=True) as copy:
        amounts = copy.execute("select amount::varchar from marts.some order by amount").fetchall()
        assert [amount for (amount,) in amounts] == ["-0.0050", "1.0000", "999999999999999.9999"]
        assert copy.execute("select count(*) from marts.none").fetchone() == (0,)
