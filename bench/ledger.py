"""The sandbox that is read: one ledger, kept for all measurements, and no log of what goes over the wire."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.processes import ROOT, clean_environment
from pipelines.sandbox import Sandbox
from pipelines.sandbox.options import SandboxOptions, command_line

_START_SECONDS = 1800.0


@dataclass(frozen=True)
class Served:
    """A sandbox that listens; ``seconds`` is how long it took to make the ledger and listen."""

    url: str
    token: str
    seconds: float
    pid: int

    def environment(self, data_dir: Path, *, is_paced: bool = False) -> dict[str, str]:
        """For a sync of this ledger: at the pace that Xledger's burst limit allows, or as fast as the sandbox answers."""
        pace = {} if is_paced else {"SOURCES__XLEDGER__REQUESTS_PER_5_SECONDS": "100000"}
        return clean_environment(
            DATA_DIR=str(data_dir),
            SOURCES__XLEDGER__API_URL=self.url,
            SOURCES__XLEDGER__API_TOKEN=self.token,
            **pace,
        )

    def mutate(self, *mutations: Mapping[str, Any]) -> None:
        """Change the ledger now (see pipelines/sandbox/mutations.py)."""
        Sandbox(self.url, self.token, None, {}, Path(), self.pid).mutate(*mutations)


@contextmanager
def served(folder: Path, lines: int) -> Iterator[Served]:
    """Make a ledger of so many lines and serve it."""
    announce = folder / "announce.json"
    options = SandboxOptions(lines=lines, announce=announce, parent=os.getpid())
    begun = time.monotonic()
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "pipelines.sandbox", *command_line(options)], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        while not announce.exists():
            if process.poll() is not None or time.monotonic() - begun > _START_SECONDS:
                raise RuntimeError("the sandbox did not start")
            time.sleep(0.02)
        told = json.loads(announce.read_text(encoding="utf-8"))
        yield Served(told["url"], told["token"], time.monotonic() - begun, process.pid)
    finally:
        process.terminate()
        process.wait()
