"""Calls dbt's command line; the pipeline never imports dbt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import XledgerError

_ROOT = Path(__file__).resolve().parent.parent


def build(warehouse: Warehouse) -> None:
    """Build and test all models.

    Raises:
        XledgerError: a model or an error-level test failed; the message names them.
    """
    completed = _dbt(warehouse, "build")
    if completed:
        failed = ", ".join(_failed(warehouse)) or "see the lines above"
        raise XledgerError(
            f"dbt build failed ({failed}); nothing was published, the last published file stays. "
            f"The compiled SQL lies in {_target(warehouse)}."
        )


def docs(warehouse: Warehouse) -> None:
    """Make the docs site as one static folder.

    Raises:
        XledgerError: dbt could not make it.
    """
    if _dbt(warehouse, "docs", "generate", "--static"):
        raise XledgerError("dbt could not make the docs site; run `make sync` once, then `make docs` again.")
    warehouse.docs.mkdir(exist_ok=True)
    page = (_target(warehouse) / "static_index.html").read_bytes()
    (warehouse.docs / "index.html").write_bytes(page)


def _target(warehouse: Warehouse) -> Path:
    return warehouse.build / "dbt"


def _dbt(warehouse: Warehouse, *command: str) -> int:
    environment = os.environ | {
        "DATA_DIR": str(warehouse.data_dir),
        "DBT_TARGET_PATH": str(_target(warehouse)),
        "DBT_LOG_PATH": str(_target(warehouse) / "logs"),
        "DBT_PROFILES_DIR": str(_ROOT / "profiles"),
        "DBT_PROJECT_DIR": str(_ROOT / "dbt_project"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    for name in [name for name in environment if name.startswith("SOURCES__XLEDGER__")]:
        del environment[name]
    return subprocess.run(  # noqa: S603
        [Path(sys.executable).with_name("dbt"), *command, "--no-use-colors"], env=environment, cwd=_ROOT, check=False
    ).returncode


def _failed(warehouse: Warehouse) -> list[str]:
    try:
        results = json.loads((_target(warehouse) / "run_results.json").read_text(encoding="utf-8"))["results"]
    except (OSError, ValueError, KeyError):
        return []
    return [
        f"{result['unique_id'].split('.')[2]}: {result['failures']} rows"
        if result.get("failures")
        else result["unique_id"].split(".")[2]
        for result in results
        if result["status"] in ("error", "fail")
    ]
