"""The sandbox as a process: how it announces itself, keeps its secrets, and ends."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from graphql_client import Client
from kept_ledger import SMALL

from pipelines.sandbox import SandboxOptions, running
from pipelines.sandbox.options import command_line, parse_options

_ROOT = Path(__file__).parents[2]


def _start(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pipelines.sandbox", *command_line(SMALL), *arguments]
    return subprocess.Popen(command, cwd=_ROOT, env=os.environ | (environment or {}), stdout=subprocess.PIPE, text=True)


def _announced(path: Path) -> dict[str, object]:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    told: dict[str, object] = json.loads(path.read_text())
    return told


def test_options_survive_the_command_line() -> None:
    options = SandboxOptions(
        lines=5_000, hostile=True, document_type_filter=False, without=("entities", "Account.cost"), denied=("Supplier",),
        faults=("7:reset", "lines@2:500"), fault_rate=0.05, burst=20, saft=Path("a b.xml"), limit_status=429,
    )  # fmt: skip
    assert parse_options(command_line(options)) == options
    assert parse_options([]) == SandboxOptions()
    assert parse_options(["--without", "entities,Account.cost"]).without == ("entities", "Account.cost")


def test_what_is_announced_is_for_the_owner_alone_and_the_token_is_new_each_time(tmp_path: Path) -> None:
    tokens = set()
    for number in range(2):
        path = tmp_path / f"{number}.json"
        process = _start("--announce", str(path))
        try:
            told = _announced(path)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert str(told["url"]).startswith("http://127.0.0.1:")
            assert Path(str(told["truth"])).exists()
            tokens.add(told["token"])
            assert str(told["token"]) not in Path(f"/proc/{process.pid}/cmdline").read_text()
        finally:
            process.terminate()
            process.wait()
    assert len(tokens) == 2


def test_the_token_can_be_given_by_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "announce.json"
    process = _start("--announce", str(path), environment={"SANDBOX_TOKEN": "known-to-both"})
    try:
        told = _announced(path)
        assert told["token"] == "known-to-both"
        assert Client(str(told["url"]), "known-to-both").data("{ __typename }")
    finally:
        process.terminate()
        process.wait()


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    path = tmp_path / "announce.json"
    process = _start("--announce", str(path), "--parent", str(parent.pid))
    _announced(path)
    assert process.poll() is None
    parent.communicate()
    assert process.wait(30) is not None


def test_its_folder_goes_with_it(tmp_path: Path) -> None:
    with running(lines=1_000, employees=0) as sandbox:
        assert sandbox.truth_path
        folder = sandbox.truth_path.parent
        assert folder.exists()
    assert not folder.exists()


def test_a_kept_ledger_is_used_again_and_never_changed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    options = SandboxOptions(lines=1_000, employees=0, ledger_dir=kept)
    with running(options) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        header = next(client.nodes("transactions", "header { dbId }", page=1))["header"]["dbId"]
        sandbox.mutate({"delete": {"header": int(header)}})
        gone = [node["dbId"] for node in client.nodes("transactions", "dbId")]
    (folder,) = kept.iterdir()
    made = (folder / "ledger.duckdb").stat().st_mtime_ns
    with running(options, read_only=True) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        assert len(list(client.nodes("transactions", "dbId"))) > len(gone)
        with pytest.raises(ValueError, match="read-only"):
            sandbox.mutate({"delete": {"header": int(header)}})
    assert (folder / "ledger.duckdb").stat().st_mtime_ns == made


def test_the_wire_log_holds_every_exchange_in_full(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    with running(SMALL, wire_log=path) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        body = client.post(
            "query one($n: Int) { suppliers(first: $n) { edges { node { dbId } } } }", {"n": 2}, operation="one"
        ).body
        # Who looks twice sees each exchange once.
        assert len(sandbox.wire()) == 1
        client.post("{ nonsense }")
        wire = sandbox.wire()
    assert [entry["n"] for entry in wire] == [1, 2]
    assert (wire[0]["operation"], wire[0]["variables"], wire[0]["status"]) == ("one", {"n": 2}, 200)
    assert wire[0]["response"] == body.decode()
    assert "nonsense" in wire[1]["query"]


def test_it_listens_on_this_machine_alone() -> None:
    with running(SMALL) as sandbox:
        port = f"{int(sandbox.url.split(':')[2].split('/')[0]):04X}"
        listening = [
            line.split()[1]
            for name in ("tcp", "tcp6")
            for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
        ]
    assert [address for address in listening if address.endswith(f":{port}")] in ([f"0100007F:{port}"], [])


def test_the_bench_prints_its_numbers() -> None:
    command = [sys.executable, "-m", "pipelines.sandbox.bench", "--lines", "2000", "--json"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    results = json.loads(done.stdout)
    assert results["lines"] == 2_000
    assert all(value > 0 for value in results.values())
