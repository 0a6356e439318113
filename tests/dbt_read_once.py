"""dbt that has read a project: what it made of its own classes and macros, and the file of what it read, serve every fork of it.

Both take longer than the build of a small ledger.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from contextlib import chdir
from pathlib import Path
from unittest import mock

from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_common.clients.jinja import template_cache

_ROOT = Path(__file__).resolve().parent.parent
# Whoever starts this process names the folder, and removes it.
_FOLDER = Path(os.environ["WHAT_DBT_READ"])
KNOWN = _FOLDER / "partial_parse.msgpack"


def _read(project: Path) -> Manifest:
    environment = {
        "DATA_DIR": ".",
        "DBT_TARGET_PATH": str(_FOLDER),
        "DBT_PROFILES_DIR": str(_ROOT / "profiles"),
        "DBT_PROJECT_DIR": str(project),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    with mock.patch.dict(os.environ, environment), chdir(_FOLDER):
        parse = ("parse", "--no-write-json", "--no-partial-parse", "--target", "duckdb", "--no-use-colors")
        done = dbtRunner().invoke(["--quiet", "--log-level-file", "none", *parse])
    assert isinstance(done.result, Manifest), done.exception
    return done.result


def _read_a_project_without_models() -> None:
    """What reads models starts threads, which no fork has, and which it would wait for."""
    with tempfile.TemporaryDirectory(prefix="no-models-") as folder:
        project = Path(folder)
        (project / "dbt_project.yml").write_text("name: no_models\nprofile: xledger_spend\n", encoding="utf-8")
        (project / "macros").symlink_to(_ROOT / "dbt_project" / "macros")
        for macro in _read(project).macros.values():
            template_cache.get_node_template(macro)


def _read_the_project() -> None:
    process = multiprocessing.get_context("fork").Process(target=_read, args=(_ROOT / "dbt_project",))
    process.start()
    process.join()
    assert process.exitcode == 0


_read_a_project_without_models()
_read_the_project()
