"""Landing: response bytes to committed raw tables, beside other ways for the same bytes.

The responses of one read are recorded. Landing replays them through the program's own reader, guard and dlt included;
DuckDB's JSON reader puts them into a plain table; dlt is fed with dicts. Each in rows of the response a second.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import dlt
import duckdb
import pyarrow as pa

from bench.ledger import Served
from pipelines.extract import load_extracted
from pipelines.xledger import entities
from pipelines.xledger.asking import Access
from pipelines.xledger.client import Accept, Answer, Client, Request, Traffic
from pipelines.xledger.payroll import TRANSACTIONS
from pipelines.xledger.preflight import open_access
from pipelines.xledger.reading import LedgerReader
from pipelines.xledger.settings import Settings, Token, read_settings
from pipelines.xledger.source import xledger
from pipelines.xledger.tables import Kind
from pipelines.xledger.workbench import workbench

_FEWER_ROWS = 20_000


@dataclass(frozen=True)
class Rate:
    """Rows a second, by the clock and by the processor time of all threads."""

    by_clock: float
    of_processor: float


class _Watch:
    def __init__(self) -> None:
        self._clock, self._processor = time.monotonic(), time.process_time()

    def rate(self, rows: int) -> Rate:
        return Rate(rows / (time.monotonic() - self._clock), rows / (time.process_time() - self._processor))


class Recording:
    """The responses of the ledger's data query, by request; everything else goes to the sandbox each time."""

    def __init__(self, client: Client, folder: Path) -> None:
        self._client = client
        self._folder = folder
        self.traffic = client.traffic
        folder.mkdir()

    @property
    def paths(self) -> list[Path]:
        return sorted(self._folder.iterdir())

    def execute(self, request: Request, accept: Accept[Answer]) -> Answer:
        """Answer from the recording, or record."""
        if request.operation != TRANSACTIONS:
            return self._client.execute(request, accept)
        asked = hashlib.sha256(json.dumps(request.variables, sort_keys=True).encode()).hexdigest()
        path = self._folder / f"{asked}.json"
        if not path.exists():
            self._client.execute(request, path.write_bytes)
        return accept(path.read_bytes())


class LandingBench:
    """Ways for the same recorded responses."""

    def __init__(self, sandbox: Served, folder: Path) -> None:
        self._folder = folder
        self._settings: Settings = replace(
            read_settings(),
            api_url=sandbox.url,
            tokens=(Token("bench", sandbox.token),),
            requests_per_5_seconds=100_000,
        )
        access = open_access("bench", sandbox.token, self._settings, Traffic(), lambda _: None).access
        self._recording = Recording(access.client, folder / "responses")
        self._access: Access = replace(access, client=cast(Client, self._recording))
        with self._reader() as reader:
            self.rows = sum(tables["transaction"].num_rows for tables in reader.ledger(TRANSACTIONS))
        self.bytes = sum(path.stat().st_size for path in self._recording.paths)

    @contextmanager
    def _reader(self) -> Iterator[LedgerReader]:
        with workbench(self._folder) as connection:
            reader = LedgerReader(self._settings, [self._access], connection, "salt", lambda *_: None)
            reader.prepare()
            yield reader

    def landing(self) -> Rate:
        """The program's own way, to dlt's commit."""
        with self._reader() as reader:
            pipeline = _pipeline(self._folder, "landed")
            watch = _Watch()
            pipeline.extract(xledger(reader).with_resources("transactions"))
            load_extracted(pipeline, self._folder / "landed.duckdb")
            rate = watch.rate(self.rows)
        self._expect(self._folder / "landed.duckdb", "raw_xledger.transaction")
        return rate

    def json_reader(self) -> Rate:
        """DuckDB's JSON reader with declared types, a response at a time, and nothing else."""
        path = _fresh(self._folder / "plain.duckdb")
        watch = _Watch()
        with duckdb.connect(str(path)) as connection:
            connection.execute("set preserve_insertion_order = false")
            for number, response in enumerate(self._recording.paths):
                self._parse(connection, response, "insert into lines" if number else "create table lines as")
        rate = watch.rate(self.rows)
        self._expect(path, "lines")
        return rate

    def json_readers(self) -> Rate:
        """The same in as many threads as there are cores, a connection and a share of the responses each."""
        path = _fresh(self._folder / "threads.duckdb")
        watch = _Watch()
        with duckdb.connect(str(path)) as database, ThreadPoolExecutor(os.cpu_count()) as executor:
            database.execute("set preserve_insertion_order = false")
            responses = self._recording.paths
            self._parse(database, responses[0], "create table lines as")
            shares = [responses[1 + number :: os.cpu_count() or 1] for number in range(os.cpu_count() or 1)]

            def fill(share: list[Path]) -> None:
                with database.cursor() as connection:
                    for response in share:
                        self._parse(connection, response, "insert into lines")

            list(executor.map(fill, shares))
        rate = watch.rate(self.rows)
        self._expect(path, "lines")
        return rate

    def _parse(self, connection: duckdb.DuckDBPyConnection, response: Path, into: str) -> None:
        connection.register("response", pa.table({"body": pa.array([response.read_text()], pa.large_string())}))
        connection.execute(f"{into} select unnest(node, recursive := true) from ({_NODES})")

    def json_files(self) -> Rate:
        """DuckDB's JSON reader over the files, all at once; it works on one core, since each file is one value."""
        path = _fresh(self._folder / "files.duckdb")
        watch = _Watch()
        with duckdb.connect(str(path)) as connection:
            connection.execute("set preserve_insertion_order = false")
            connection.execute(
                "create table lines as select unnest(node, recursive := true) from ("
                "select unnest(data.transactions.edges, max_depth := 1).node as node from read_json(?, "
                f"columns = {{data: '{_DUCKDB_TYPE}'}}, maximum_object_size = 100_000_000))",
                [[str(path) for path in self._recording.paths]],
            )
        rate = watch.rate(self.rows)
        self._expect(path, "lines")
        return rate

    def dicts(self) -> Rate:
        """dlt's defaults, fed with dicts; the first rows only, since it takes so long."""
        pipeline = _pipeline(self._folder, "dicts")
        watch = _Watch()
        pipeline.extract(dlt.resource(self._nodes(), name="lines", write_disposition="replace"))
        pipeline.normalize()
        pipeline.load(raise_on_failed_jobs=True)
        return watch.rate(min(self.rows, _FEWER_ROWS))

    def _nodes(self) -> Iterator[Any]:
        left = _FEWER_ROWS
        for path in self._recording.paths:
            edges = json.loads(path.read_bytes())["data"]["transactions"]["edges"][:left]
            yield [edge["node"] for edge in edges]
            left -= len(edges)
            if not left:
                return

    def _expect(self, database: Path, table: str) -> None:
        with duckdb.connect(str(database), read_only=True) as connection:
            found = connection.execute(f"select count(*) from {table}").fetchall()[0][0]
        if found != self.rows:
            raise RuntimeError(f"{table} has {found} rows instead of {self.rows}")


def _pipeline(folder: Path, name: str) -> dlt.Pipeline:
    path = _fresh(folder / f"{name}.duckdb")
    pipeline = dlt.pipeline(
        name,
        pipelines_dir=str(folder / "dlt"),
        destination=dlt.destinations.duckdb(str(path)),
        dataset_name="raw_xledger",
    )
    pipeline.drop()
    return pipeline


def _fresh(path: Path) -> Path:
    path.unlink(missing_ok=True)
    return path


def _tree() -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for split in entities.TRANSACTION_ROWS.splits:
        for column in split.table.columns:
            branch = tree
            for step in column.path[:-1]:
                branch = branch.setdefault(step, {})
            if column.path:
                # The JSON reader is a hundred times slower with more than 18 digits.
                branch[column.path[-1]] = "DECIMAL(18,4)" if column.kind is Kind.MONEY else column.kind.value
    return tree


def _struct(tree: dict[str, Any]) -> str:
    fields = (f'"{name}" {_struct(part) if isinstance(part, dict) else part}' for name, part in tree.items())
    return f"STRUCT({', '.join(fields)})"


_STRUCTURE = json.dumps({"data": {"transactions": {"edges": [{"node": _tree()}]}}})
_NODES = (
    f"select unnest(from_json(body, '{_STRUCTURE}').data.transactions.edges, max_depth := 1).node as node from response"
)
_DUCKDB_TYPE = f"STRUCT(transactions STRUCT(edges STRUCT(node {_struct(_tree())})[]))"
