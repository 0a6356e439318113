"""Imported by the process that dbt is forked from: the project's macros as templates, which each dbt would make anew."""

import tempfile
from pathlib import Path

from dbt.cli.main import dbtRunner
from dbt_common.clients.jinja import template_cache

_ROOT = Path(__file__).resolve().parent.parent

with tempfile.TemporaryDirectory(prefix="xledger-macros-") as folder:
    read = dbtRunner().invoke(
        [
            *("--quiet", "--log-level-file", "none", "parse", "--no-write-json", "--no-partial-parse", "--target", "lint"),
            *("--project-dir", str(_ROOT / "dbt_project"), "--profiles-dir", str(_ROOT / "profiles")),
            *("--target-path", folder, "--log-path", folder),
        ]
    )
for macro in read.result.macros.values():
    template_cache.get_node_template(macro)
