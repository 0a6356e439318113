"""Starts the sandbox for a run without a token, and stops it afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pipelines.xledger.errors import XledgerError
from pipelines.xledger.settings import Settings, Token

_ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 120


@contextmanager
def sandbox(settings: Settings) -> Iterator[Settings]:
    """Settings that point at a sandbox of this run's own."""
    with tempfile.TemporaryDirectory(prefix="xledger-sandbox-") as folder:
        announcement = Path(folder) / "announcement.json"
        command = [sys.executable, "-m", "pipelines.sandbox", "--port", "0"]
        command += ["--announce", str(announcement), "--parent", str(os.getpid())]
        process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.DEVNULL)  # noqa: S603
        try:
            yield _announced(settings, announcement, process)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _announced(settings: Settings, announcement: Path, process: subprocess.Popen[bytes]) -> Settings:
    deadline = time.monotonic() + _START_SECONDS
    while not announcement.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise XledgerError("The sandbox did not start; run `make sandbox` to see why.")
        time.sleep(0.05)
    told = json.loads(announcement.read_text(encoding="utf-8"))
    # The burst limit is the live API's; the sandbox of a trial run has none to spare.
    return replace(
        settings, api_url=told["url"], tokens=(Token("sandbox", told["token"]),), requests_per_5_seconds=1000
    )
