"""`make bench`: the program's speed and size as ratios within one run; a table, and JSON below bench/results/."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.bounds import Line, at_least, at_most, most_requests
from bench.dbt_run import dbt_run
from bench.first_view import first_view
from bench.landing import LandingBench, Rate
from bench.ledger import served
from bench.machine import machine
from bench.processes import ROOT, peak_mib
from bench.whole_sync import change_lines, whole_sync

_RESULTS = Path(__file__).resolve().parent / "results"
_MEMORY_BOUND_MIB = 1024
_CHANGED_LINES = 1000
_MOST_REQUESTS_FOR_CHANGES = 25


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the program on a sandbox's ledger.")
    parser.add_argument("--lines", type=int, default=1_000_000, help="general-ledger lines")
    parser.add_argument("--runs", type=int, default=3, help="how often landing is measured; the median counts")
    parser.add_argument("--results", type=Path, default=_RESULTS, help="folder for table and JSON")
    arguments = parser.parse_args()
    measured = _measure(arguments.lines, arguments.runs)
    measured["table"] = [asdict(line) for line in _table(measured)]
    text = _as_text(measured, _table(measured))
    arguments.results.mkdir(parents=True, exist_ok=True)
    name = f"{arguments.lines}-lines"
    (arguments.results / f"{name}.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    (arguments.results / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)


def _measure(lines: int, runs: int) -> dict[str, Any]:
    measured: dict[str, Any] = {"lines": lines, "machine": machine()}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with served(folder, lines) as sandbox:
            _say(f"The sandbox made {lines:,} lines in {sandbox.seconds:,.0f} s; a whole sync")
            measured["sync"] = asdict(whole_sync(sandbox, folder / "data", is_paced=True))
            _say("The same as fast as the sandbox answers")
            measured["sync_unpaced"] = asdict(whole_sync(sandbox, folder / "unpaced"))
            _say("Landing, beside other ways")
            measured["landing"] = _landing(LandingBench(sandbox, folder), runs)
            _say("A sync of what changed")
            changed = change_lines(sandbox, folder / "data", _CHANGED_LINES)
            measured["changed_lines"] = changed
            measured["incremental"] = asdict(whole_sync(sandbox, folder / "data", is_paced=True))
            measured["incremental_unpaced"] = asdict(whole_sync(sandbox, folder / "unpaced"))
            measured["sandbox"] = {"ready_seconds": sandbox.seconds, "peak_mib": peak_mib(sandbox.pid)}
        _say("dbt")
        measured["dbt"] = asdict(dbt_run(folder / "data", folder))
        _say("The app's first view")
        measured["first_view"] = asdict(first_view(folder / "data" / "spend.duckdb", folder))
    if lines <= 1_000_000:
        _say("The sandbox by itself")
        measured["sandbox"] |= _sandbox_by_itself(lines)
    return measured


def _landing(bench: LandingBench, runs: int) -> dict[str, Any]:
    """Rows a second, and rows a second of processor time: median, lowest, highest.

    The ways take turns, so that what else the machine does hits all of them.
    """
    ways: dict[str, Callable[[], Rate]] = {
        "landing": bench.landing,
        "json_reader": bench.json_reader,
        "json_readers": bench.json_readers,
        "json_files": bench.json_files,
        "dicts": bench.dicts,
    }
    rates: dict[str, list[Rate]] = {way: [] for way in ways}
    for _ in range(runs):
        for way, run in ways.items():
            rates[way].append(run())
    return {"rows": bench.rows, "bytes": bench.bytes} | {
        way: _spread([rate.by_clock for rate in found])
        | {"of_processor": _spread([rate.of_processor for rate in found])}
        for way, found in rates.items()
    }


def _spread(values: Sequence[float]) -> dict[str, Any]:
    return {"median": statistics.median(values), "lowest": min(values), "highest": max(values)}


def _sandbox_by_itself(lines: int) -> dict[str, float]:
    command = [sys.executable, "-m", "pipelines.sandbox.bench", "--lines", str(lines), "--json"]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    return dict(json.loads(completed.stdout))


def _table(measured: dict[str, Any]) -> list[Line]:
    landing, sync, dbt = measured["landing"], measured["sync"], measured["dbt"]
    rate = landing["landing"]["median"]
    fastest = max(("json_reader", "json_readers", "json_files"), key=lambda way: float(landing[way]["median"]))
    reader = landing[fastest]["median"]
    of_processor = landing["landing"]["of_processor"]["median"] / landing[fastest]["of_processor"]["median"]
    dbt_bound = 1.5 * dbt["script"] + dbt["start"]
    return [
        at_least("landing, rows/s against DuckDB's own JSON reader", rate / reader, 0.5, "times", _rates(rate, reader)),
        Line("the same by processor time", f"{of_processor:,.2f} times", "none"),
        at_least(
            "landing, rows/s against dlt fed with dicts",
            rate / landing["dicts"]["median"],
            40,
            "times",
            _rates(rate, landing["dicts"]["median"]),
        ),
        *(
            at_most(f"peak memory of {name}", peak, _MEMORY_BOUND_MIB, "MiB")
            for name, peak in sorted(measured["sync_unpaced"]["peak_mib"].items())
        ),
        at_most("requests of a full read", sync["requests"], most_requests(measured["lines"]), "requests"),
        at_most("dbt's models without tests", dbt["models"], dbt_bound, "s", _dbt(dbt)),
        *_first_view(measured["first_view"]),
        *_incremental(measured),
        Line("whole sync at Xledger's pace", f"{sync['seconds']:,.0f} s", "none"),
        Line("whole sync without one", f"{measured['sync_unpaced']['seconds']:,.0f} s", "none"),
        *(
            Line(f"whole sync without one: {step}", f"{seconds:,.1f} s", "none")
            for step, seconds in measured["sync_unpaced"]["steps"].items()
        ),
        Line("received on the wire", f"{sync['bytes_received'] / 1e6:,.0f} MB", "none"),
        Line(
            "sandbox: made and listening",
            f"{measured['sandbox']['ready_seconds']:,.0f} s, {measured['sandbox']['peak_mib']:,.0f} MiB",
            "none",
        ),
        at_least(
            "sandbox: lines served to two readers a second",
            measured["sandbox"]["lines_per_second_two_readers"],
            200_000,
            "lines/s",
        ),
        at_most("sandbox: peak memory while serving", measured["sandbox"]["peak_memory_mib"], 2048, "MiB"),
    ]


def _incremental(measured: dict[str, Any]) -> list[Line]:
    """A run that read everything all the same counts as none."""
    what = f"sync of {measured['changed_lines']:,} changed lines"
    paced, unpaced = measured["incremental"], measured["incremental_unpaced"]
    if {paced["mode"], unpaced["mode"]} != {"incremental"}:
        return [Line(what, "read everything", "at most 10", holds=False)]
    share = f"% of the full sync's time ({paced['seconds']:.1f} of {measured['sync']['seconds']:.1f} s)"
    unpaced_share = 100 * unpaced["seconds"] / measured["sync_unpaced"]["seconds"]
    return [
        at_most(f"{what}, at Xledger's pace", 100 * paced["seconds"] / measured["sync"]["seconds"], 10, share),
        Line(f"{what}, both without a pace", f"{unpaced_share:,.1f} % ({unpaced['seconds']:.1f} s)", "none"),
        Line(f"{what}: dbt", f"{unpaced['steps']['dbt build with tests']:.1f} s", "none"),
        at_most(f"{what}: requests", paced["requests"], _MOST_REQUESTS_FOR_CHANGES, "requests"),
    ]


def _rates(one: float, other: float) -> str:
    return f" ({one:,.0f} / {other:,.0f})"


def _dbt(dbt: dict[str, float]) -> str:
    return f" (start {dbt['start']:.1f} s, the same SQL as one script {dbt['script']:.1f} s)"


def _first_view(view: dict[str, Any]) -> list[Line]:
    what = f"the app's first view at {view['spend_lines']:,} spend lines"
    page = f" (the page itself {view['page']:.2f} s)"
    if view["drawn"] is None:
        return [Line(what, f"not measured without Chromium{page}", "under 2")]
    return [at_most(what, view["drawn"], 2, "s", page)]


def _as_text(measured: dict[str, Any], table: Sequence[Line]) -> str:
    verdicts = {True: "yes", False: "NO", None: ""}
    rows = [f"| {line.what} | {line.measured} | {line.bound} | {verdicts[line.holds]} |" for line in table]
    machine_text = ", ".join(f"{name} {value}" for name, value in measured["machine"].items())
    head = ["| what | measured | bound | holds |", "| --- | --- | --- | --- |"]
    return "\n".join([f"{measured['lines']:,} lines; {machine_text}", "", *head, *rows, ""])


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
