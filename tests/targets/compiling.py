"""The project compiled for one of its engines, which is not asked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import ROOT

_OWN_DBT = Path(sys.executable).with_name("dbt")


def compile_for(
    engine: str,
    folder: Path,
    *arguments: str,
    environment: Mapping[str, str],
    project: Path = ROOT / "dbt_project",
    dbt: Path = _OWN_DBT,
) -> str:
    """Run `dbt compile`; what it writes goes into ``folder``. Gives what it prints."""
    completed = subprocess.run(
        [
            *(dbt, "--log-level-file", "none", "compile"),
            *("--target", engine, "--no-introspect", "--no-populate-cache", *arguments),
        ],
        cwd=ROOT,
        env=os.environ
        | environment
        | {
            "DATA_DIR": str(folder),
            "DBT_PROJECT_DIR": str(project),
            "DBT_PROFILES_DIR": str(ROOT / "profiles"),
            "DBT_TARGET_PATH": str(folder),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout
