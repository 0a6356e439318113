"""What the numbers were measured on, without a name of the machine or a path of it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("dlt", "duckdb", "dbt-core", "dbt-duckdb", "pyarrow")


def machine() -> dict[str, str]:
    """Processor, cores, memory, system, and the versions that matter."""
    return {
        "processor": _first(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{int(_first(Path('/proc/meminfo'), 'MemTotal').split()[0]) / 1024**2:.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        **{package: version(package) for package in _PACKAGES},
    }


def _first(path: Path, name: str) -> str:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "0"
