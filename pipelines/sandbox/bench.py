"""`python -m pipelines.sandbox.bench`: how long a large ledger takes to make, how fast it is served, in how much memory."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_PAGE = 10_000
# The shape of the source's own ledger query: flat ids and amounts, the voucher nested.
_QUERY = """
query transactions($first: Int, $after: String, $filter: Transaction_Filter) {
  transactions(first: $first, after: $after, filter: $filter) {
    edges { cursor node {
      dbId ownerDbId accountDbId companyDbId glObject1DbId glObject2DbId glObject3DbId glObject4DbId glObject5DbId
      matchId periodId periodNumber positionNumber text amount invoiceAmount taxAmount currency { dbId } taxRule { dbId }
      header { dbId transactionNumber postedDate createdAt modifiedAt fiscalYear transactionSource { dbId code description } }
    } }
    pageInfo { hasNextPage }
  }
}
"""


@dataclass(frozen=True)
class Started:
    """A sandbox that listens, and how long it took."""

    told: dict[str, Any]
    seconds: float
    pid: int


def main() -> None:
    """Print the measurements, as text or as JSON."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.sandbox.bench")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    arguments = parser.parse_args()
    results: dict[str, float] = {"lines": arguments.lines}
    with _sandbox(arguments.lines) as started:
        results["ready_seconds"] = started.seconds
        results["memory_when_ready_mib"] = _peak_mib(started.pid)
        for name, readers, encoding in (
            ("one_reader", 1, "identity"),
            ("two_readers", 2, "identity"),
            ("two_readers_gzip", 2, "gzip"),
        ):
            before = _processor_seconds(started.pid)
            results[f"lines_per_second_{name}"] = _lines_per_second(started.told, readers, encoding)
            # What the server itself used: the same on a busy machine, where the clock tells of the neighbours.
            used = _processor_seconds(started.pid) - before
            results[f"lines_per_processor_second_{name}"] = arguments.lines / max(used, 0.01)
        results["peak_memory_mib"] = _peak_mib(started.pid)
    print(
        json.dumps(results)
        if arguments.json
        else "\n".join(f"{name:48} {value:,.1f}" for name, value in results.items())
    )


@contextmanager
def _sandbox(lines: int) -> Iterator[Started]:
    with tempfile.TemporaryDirectory(prefix="sandbox-bench-") as folder:
        announce = Path(folder) / "announce.json"
        command = [sys.executable, "-m", "pipelines.sandbox", "--lines", str(lines), "--announce", str(announce)]
        begun = time.monotonic()
        process = subprocess.Popen([*command, "--parent", str(os.getpid())], stdout=subprocess.DEVNULL)  # noqa: S603
        try:
            while not announce.exists():
                if process.poll() is not None:
                    raise RuntimeError("the sandbox did not start")
                time.sleep(0.02)
            yield Started(json.loads(announce.read_text()), time.monotonic() - begun, process.pid)
        finally:
            process.terminate()
            process.wait()


def _lines_per_second(told: dict[str, Any], readers: int, encoding: str) -> float:
    """All lines read once, page after page, by so many readers, each with its share of the ids."""
    low, high = (_edge_id(told, end) for end in ("first", "last"))
    step = (high - low) // readers + 1
    bounds = [(low + number * step, min(low + (number + 1) * step - 1, high)) for number in range(readers)]
    begun = time.monotonic()
    with ThreadPoolExecutor(readers) as threads:
        counts = list(threads.map(lambda one: _read(told, encoding, *one), bounds))
    return sum(counts) / (time.monotonic() - begun)


def _read(told: dict[str, Any], encoding: str, low: int, high: int) -> int:
    address = urlsplit(told["url"])
    connection = http.client.HTTPConnection(str(address.hostname), address.port or 80)
    headers = {"Authorization": f"token {told['token']}", "Accept-Encoding": encoding}
    lines, after = 0, None
    while True:
        conditions = {"dbId_gte": str(low), "dbId_lte": str(high)}
        variables = {"first": _PAGE, "after": after, "filter": conditions}
        connection.request("POST", address.path, json.dumps({"query": _QUERY, "variables": variables}), headers)
        response = connection.getresponse()
        body = response.read()
        if response.getheader("Content-Encoding") == "gzip":
            # Ids without holes: the next cursor needs no decompression, which is the client's cost and not measured here.
            lines = min(lines + _PAGE, high - low + 1)
            if lines == high - low + 1:
                return lines
            after = str(low + lines - 1)
            continue
        lines += body.count(b'"cursor":"')
        if b'"hasNextPage":false' in body[-200:]:
            return lines
        at = body.rindex(b'"cursor":"') + 10
        after = body[at : body.index(b'"', at)].decode()


def _edge_id(told: dict[str, Any], end: str) -> int:
    address = urlsplit(told["url"])
    connection = http.client.HTTPConnection(str(address.hostname), address.port or 80)
    query = f"{{ transactions({end}: 1) {{ edges {{ node {{ dbId }} }} }} }}"
    connection.request("POST", address.path, json.dumps({"query": query}), {"Authorization": f"token {told['token']}"})
    return int(json.loads(connection.getresponse().read())["data"]["transactions"]["edges"][0]["node"]["dbId"])


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
