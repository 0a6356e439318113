"""The project compiled for one of its engines, which is not asked."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests import forked
from tests.conftest import ROOT


def compile_for(
    engine: str,
    folder: Path,
    *arguments: str,
    environment: Mapping[str, str],
    project: Path = ROOT / "dbt_project",
    dbt: Path | None = None,
) -> str:
    """Run `dbt compile`; what it writes goes into ``folder``. Gives what it prints.

    ``dbt`` is another environment's, which has the engine's adapter; without it, ours.
    """
    arguments = (
        *("--log-level-file", "none", "compile"),
        *("--target", engine, "--no-introspect", "--no-populate-cache", *arguments),
    )
    environment = (
        os.environ
        | environment
        | {
            "TARGET": engine,
            "DATA_DIR": str(folder),
            "DBT_PROJECT_DIR": str(project),
            "DBT_PROFILES_DIR": str(ROOT / "profiles"),
            "DBT_TARGET_PATH": str(folder),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
    )
    told = folder / "told.txt"
    if dbt is None:
        exit_code = forked.run_dbt(arguments, ROOT, environment, told)
    else:
        with told.open("w", encoding="utf-8") as output:
            exit_code = subprocess.run(
                [dbt, *arguments], cwd=ROOT, env=environment, stdout=output, stderr=output, check=False
            ).returncode
    printed = told.read_text(encoding="utf-8")
    assert exit_code == 0, printed
    return printed
