"""The private DuckDB that a run works on: parsed pages, ids of the payroll fence, ids of what was handed out.

It holds no payroll but ids, document types and accounts, is readable by its owner alone, and is gone when the run ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

_MEMORY_LIMIT = "400MB"


@contextmanager
def workbench(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty workbench in ``folder``; what a killed run left is removed first."""
    path = folder / "workbench.duckdb"
    _remove(folder)
    connection = duckdb.connect(str(path), config={"memory_limit": _MEMORY_LIMIT})
    os.chmod(path, 0o600)  # noqa: PTH101
    try:
        connection.execute("set preserve_insertion_order = false; set enable_progress_bar = false")
        yield connection
    finally:
        connection.close()
        _remove(folder)


def _remove(folder: Path) -> None:
    for path in folder.glob("workbench.duckdb*"):
        if path.is_dir():
            for spilled in path.iterdir():
                spilled.unlink()
            path.rmdir()
        else:
            path.unlink()
