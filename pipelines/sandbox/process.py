"""The sandbox as a process of its own, for tests and programs: it never shares an interpreter with its client."""

from __future__ import annotations

import dataclasses
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipelines.sandbox.options import SandboxOptions, command_line

CONTROL_PATH = "/control"

_START_SECONDS = 180.0
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox."""

    url: str
    token: str
    truth_path: Path | None
    tokens: Mapping[int, str]
    pid: int
    _wire: _Wire

    def mutate(self, *mutations: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Change the ledger now (see mutations.py). Returns what was made.

        Raises:
            ValueError: the sandbox refused.
        """
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port or 80, timeout=60)
        try:
            body = json.dumps(mutations).encode()
            connection.request("POST", CONTROL_PATH, body, {"Authorization": f"token {self.token}"})
            response = connection.getresponse()
            told = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(told)
        done: list[dict[str, Any]] = told
        return done

    def wire(self) -> list[dict[str, Any]]:
        """Everything that went over the wire so far: n, operation, query, variables, status, response."""
        return self._wire.so_far()


class _Wire:
    """The log of a sandbox, of which each line is read once, however often somebody looks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bytes_read = 0
        self._exchanges: list[dict[str, Any]] = []

    def so_far(self) -> list[dict[str, Any]]:
        if self._path.exists():
            with self._path.open("rb") as log:
                log.seek(self._bytes_read)
                # What stands behind the last line break is still being written.
                *lines, _ = log.read().split(b"\n")
            self._exchanges += map(json.loads, lines)
            self._bytes_read += sum(len(line) + 1 for line in lines)
        return list(self._exchanges)


@contextmanager
def running(options: SandboxOptions | None = None, **changes: Any) -> Iterator[Sandbox]:
    """Start a sandbox, wait until it listens, and stop it at the end. ``changes`` are single options.

    Raises:
        RuntimeError: it did not start; the message is what it printed.
    """
    options = dataclasses.replace(options or SandboxOptions(), **changes)
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
        announce, output = Path(folder) / "announce.json", Path(folder) / "output.txt"
        wire_log = options.wire_log or Path(folder) / "wire.jsonl"
        options = dataclasses.replace(options, announce=announce, parent=os.getpid(), wire_log=wire_log)
        process = start(options, output)
        try:
            told = _wait(process, announce, output)
            truth = Path(told["truth"]) if told["truth"] else None
            tokens = {int(owner): token for owner, token in told["tokens"].items()}
            yield Sandbox(told["url"], told["token"], truth, tokens, process.pid, _Wire(wire_log))
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def start(options: SandboxOptions, output: Path) -> subprocess.Popen[bytes]:
    """The process of a sandbox; what it prints goes into the file ``output``."""
    command = [sys.executable, "-m", "pipelines.sandbox", *command_line(options)]
    with output.open("w") as file:
        return subprocess.Popen(command, cwd=_ROOT, stdout=file, stderr=subprocess.STDOUT)  # noqa: S603


def _wait(process: subprocess.Popen[bytes], announce: Path, output: Path) -> dict[str, Any]:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if announce.exists():
            told: dict[str, Any] = json.loads(announce.read_text())
            return told
        if process.poll() is not None:
            raise RuntimeError(f"the sandbox did not start: {output.read_text().strip()}")
        time.sleep(0.01)
    raise RuntimeError(f"the sandbox did not start within {_START_SECONDS:.0f} s: {output.read_text().strip()}")
