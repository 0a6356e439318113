"""Starts dbt ahead of everything else: it loads, reads the project while the ledger is read, and waits to be told what to do.

Imports nothing that takes time itself, so that dbt loads beside the rest of the program.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.child_environment import without_secrets

_ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def started(*, is_quiet: bool = False) -> Iterator[subprocess.Popen[str]]:
    """The process of `dbt_project/when_told.py`, for `dbt_build.begin`; it ends when this does. ``is_quiet``: it prints nothing."""
    output = subprocess.DEVNULL if is_quiet else None
    with subprocess.Popen(  # noqa: S603
        [sys.executable, _ROOT / "dbt_project" / "when_told.py"],
        # A dbt that is ended with its run would complain of it behind the run's last line.
        env=without_secrets() | {"PYTHONWARNINGS": "ignore::UserWarning:multiprocessing.resource_tracker"},
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
