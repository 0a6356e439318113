"""DuckDB's extensions from their packages, laid out as DuckDB looks for them: nothing is fetched while a run is under way."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import duckdb


def extension_settings(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Settings for a connection that finds these extensions; ``folder`` is filled with links to them."""
    with duckdb.connect() as connection:
        (platform,) = connection.execute("pragma platform").fetchall()[0]
    version = f"v{duckdb.__version__}"
    place = folder / version / platform
    place.mkdir(parents=True, exist_ok=True)
    for name in names:
        file = f"{name}.duckdb_extension"
        link = place / file
        link.unlink(missing_ok=True)
        link.symlink_to(_package(name) / "extensions" / version / file)
    return {"extension_directory": str(folder), "autoinstall_known_extensions": "false"}


def _package(name: str) -> Path:
    spec = find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name)
    return Path(spec.origin).parent
