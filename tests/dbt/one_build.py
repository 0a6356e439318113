"""`python -m tests.dbt.one_build FOLDER`: dbt's part of a sync in a data folder, its events on the output."""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines import dbt_ahead, dbt_build
from pipelines.console import JsonConsole
from pipelines.exits import exit_code_of
from pipelines.targets.target import Target
from pipelines.warehouse import Warehouse


def build() -> None:
    with dbt_ahead.started(is_quiet=True) as dbt:
        dbt_build.begin(dbt, Warehouse(Path(sys.argv[1])), Target(), JsonConsole("build")).run()


if __name__ == "__main__":
    sys.exit(exit_code_of(build))
