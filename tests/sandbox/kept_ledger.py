"""The small ledger of the tests that change or break something: made once, every sandbox works on a copy of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pipelines.sandbox import SandboxOptions

_FOLDER = tempfile.TemporaryDirectory(prefix="sandbox-tests-")
SMALL = SandboxOptions(lines=1_000, employees=2, ledger_dir=Path(_FOLDER.name))
