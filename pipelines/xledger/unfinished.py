"""A long read that was cut off: what it had read so far, so that the next run goes on from there.

While everything is read, each page of both ledgers is kept in a file beside the workbench, which holds the census. After a kill
both become a warehouse file that a read of what changed, and of what is still to come, can stand on.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.xledger.errors import PayrollStop
from pipelines.xledger.kept import RAW_SCHEMA, TAKEN_OVER, Kept, quoted, write_census
from pipelines.xledger.standing import Standing
from pipelines.xledger.tables import TABLES
from pipelines.xledger.workbench import WORKBENCH, open_workbench, remove_workbench

_COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4")


class Pages:
    """The pages of both ledgers that this run has read, as Arrow files in a folder of their own."""

    def __init__(self, build: Path) -> None:
        self._folder = _pages(build)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700)
        self._kept = 0

    def keep(self, tables: Mapping[str, pa.Table]) -> None:
        """Keep one page. Its lines come last: a page without them was cut off and does not count."""
        self._kept += 1
        for name, rows in reversed(list(tables.items())):
            path = self._folder / f"{self._kept:07d}-{name}.arrow"
            unfinished = path.with_suffix(".part")
            with pa.ipc.new_file(unfinished, rows.schema, options=_COMPRESSED) as file:
                file.write_table(rows)
            unfinished.replace(path)


def unfinished(build: Path) -> Path:
    """The warehouse file that a cut-off read becomes."""
    return build / "unfinished.duckdb"


def forget_unfinished(build: Path) -> None:
    """Nothing is to be gone on with."""
    remove_workbench(build)
    shutil.rmtree(_pages(build), ignore_errors=True)
    for path in build.glob("unfinished*"):
        path.unlink()


@contextmanager
def forgotten_at_payroll_stop(build: Path) -> Iterator[None]:
    """When a payroll guard stops the run, nothing of what it read is gone on with."""
    try:
        yield
    except PayrollStop:
        forget_unfinished(build)
        raise


def recover_unfinished(build: Path) -> Standing | None:
    """Make one warehouse file of what the last run had read when it was cut off; None where there is nothing to go on with."""
    workbench, pages = build / f"{WORKBENCH}.duckdb", _pages(build)
    if workbench.exists() and pages.exists():
        try:
            with open_workbench(workbench) as connection:
                _recover(connection, build)
        except (duckdb.Error, pa.ArrowInvalid, OSError):
            forget_unfinished(build)
    remove_workbench(build)
    shutil.rmtree(pages, ignore_errors=True)
    return Standing.of(unfinished(build)) if unfinished(build).exists() else None


def _recover(connection: duckdb.DuckDBPyConnection, build: Path) -> None:
    standing = Standing.within(connection)
    if standing is None:
        return
    fresh = build / "unfinished.part.duckdb"
    fresh.unlink(missing_ok=True)
    connection.execute(f"attach '{quoted(fresh)}' as fresh; create schema fresh.{RAW_SCHEMA}")
    for name in TAKEN_OVER:
        rows = TABLES[name].arrow_schema.empty_table()
        connection.register("rows", rows)
        connection.execute(f'create table fresh.{RAW_SCHEMA}."{name}" as from rows')
    for main in (
        path for name in ("transaction", "ap_transaction") for path in sorted(_pages(build).glob(f"*-{name}.arrow"))
    ):
        for path in main.parent.glob(f"{main.name.split('-')[0]}-*.arrow"):
            with pa.memory_map(str(path)) as source:
                connection.register("rows", pa.ipc.open_file(source).read_all())
                connection.execute(f'insert into fresh.{RAW_SCHEMA}."{path.stem.split("-")[1]}" by name from rows')
                connection.unregister("rows")
    if unfinished(build).exists():
        Kept(connection, unfinished(build), standing).take_over("fresh")
    write_census(connection, "fresh", is_finished=False)
    standing.write(connection, "fresh")
    connection.execute("detach fresh")
    fresh.replace(unfinished(build))


def _pages(build: Path) -> Path:
    return build / "pages"
