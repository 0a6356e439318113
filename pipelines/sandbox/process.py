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
    wire_path: Path
    pid: int

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
        if not self.wire_path.exists():
            return []
        # What stands behind the last line break is still being written.
        return [json.loads(line) for line in self.wire_path.read_text(encoding="utf-8").split("\n")[:-1]]


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
            yield Sandbox(told["url"], told["token"], truth, tokens, wire_log, process.pid)
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
