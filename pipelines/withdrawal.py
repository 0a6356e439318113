"""A row that became payroll, or was deleted in Xledger, goes from all that was made of the published file that held it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from pipelines.comparison import SUMS
from pipelines.console import Console
from pipelines.run_journal import forget_sums
from pipelines.warehouse import Warehouse

# Below the data folder: what the commands make of the published file, with rows of it inside.
_MADE_OF_THE_FILE = ("export", "report")


def withdraw(warehouse: Warehouse, figures: Mapping[str, Any], console: Console) -> None:
    """Before the file is replaced: remove exports and report, and the sums in the journal, if rows of it are gone.

    ``figures`` is what `comparison.compare` said. A file that cannot be compared counts as one with rows gone.
    """
    if not (figures.get("received_gone") or figures.get("not_comparable")):
        return
    forget_sums(warehouse.data_dir, SUMS)
    found = [warehouse.data_dir / name for name in _MADE_OF_THE_FILE if (warehouse.data_dir / name).exists()]
    for folder in found:
        shutil.rmtree(folder)
    if found:
        console.say(
            "Rows of the last published file were deleted in Xledger or are payroll by now, so what was made of it is removed: "
            + ", ".join(str(folder) for folder in found)
            + ". Copies that were passed on are yours to recall."
        )
