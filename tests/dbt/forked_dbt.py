"""dbt's command line in a process forked from one that has loaded dbt: loading takes longer than most of what tests have it do."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_LOADED = multiprocessing.get_context("forkserver")
_LOADED.set_forkserver_preload(["dbt.cli.main", "dbt.adapters.duckdb"])


def forked(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], told: Path) -> int:
    """Run dbt in ``folder``; what it says goes into the file ``told``. Gives its exit code."""
    process = _LOADED.Process(target=_dbt, args=(arguments, folder, environment, told))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _dbt(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], told: Path) -> None:
    from dbt.cli.main import cli

    gc.disable()
    with told.open("wb") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["dbt", *arguments]
    cli()
