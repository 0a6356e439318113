"""The private DuckDB that a run works on: parsed pages, ids of the payroll fence, ids of what was handed out.

It holds no payroll but ids, document types and accounts, is readable by its owner alone, and is gone when the run ends well.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

WORKBENCH = "workbench"
_MEMORY_LIMIT = "400MB"


@contextmanager
def workbench(folder: Path, *, is_file: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty workbench in ``folder``, as a file of it or, quicker, in memory, with what is too much for that in the folder.

    A file that a failed or killed run left is of use to `unfinished.py` until then.
    """
    remove_workbench(folder)
    path = folder / f"{WORKBENCH}.duckdb"
    connection = open_workbench(path) if is_file else _in_memory(path)
    try:
        connection.execute("set preserve_insertion_order = false; set enable_progress_bar = false; set threads = 1")
        yield connection
        # It is removed next: nothing has to be moved from its log into it.
        connection.execute("pragma disable_checkpoint_on_shutdown")
    finally:
        connection.close()
    remove_workbench(folder)


@contextmanager
def on_all_cores(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """For work on whole tables. Else each page is a query in a thread of ours: DuckDB's own would only wait for each other.

    What fails within ends the run, so its error is not followed by another one.
    """
    connection.execute("reset threads")
    yield
    connection.execute("set threads = 1")


def open_workbench(path: Path) -> duckdb.DuckDBPyConnection:
    """Open the file within the memory that a run may take."""
    connection = duckdb.connect(str(path), config={"memory_limit": _MEMORY_LIMIT})
    os.chmod(path, 0o600)  # noqa: PTH101
    return connection


def _in_memory(path: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"memory_limit": _MEMORY_LIMIT, "temp_directory": f"{path}.tmp"})


def remove_workbench(folder: Path) -> None:
    """Remove the workbench and what it spilled."""
    for path in folder.glob(f"{WORKBENCH}.duckdb*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
