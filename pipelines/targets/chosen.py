"""The setting TARGET: which engine, whether its packages are there, whether its settings are whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import dlt
from dlt.common.configuration.exceptions import ConfigurationException

from pipelines.targets.target import Target
from pipelines.xledger.errors import ConfigurationError

# Module and class of each: an engine's packages are imported only when it is chosen.
_TARGETS: Mapping[str, tuple[str, str]] = {
    "duckdb": ("target", "Target"),
    "ducklake": ("ducklake", "DuckLake"),
    "postgres": ("postgres", "Postgres"),
    "spark": ("spark", "Spark"),
    "motherduck": ("motherduck", "MotherDuck"),
    "snowflake": ("elsewhere", "Snowflake"),
    "bigquery": ("elsewhere", "BigQuery"),
    "databricks": ("elsewhere", "Databricks"),
}


def chosen_target() -> Target:
    """The engine that `TARGET` names, or `target` at the top of `.dlt/config.toml`; DuckDB without.

    Raises:
        ConfigurationError: no such target, its packages are missing, or a setting of it is.
    """
    name = str(dlt.config.get("target") or "duckdb")
    if name not in _TARGETS:
        raise ConfigurationError(f"TARGET is {name!r}; it can be {', '.join(_TARGETS)}. Correct it.")
    module, kind = _TARGETS[name]
    target_class: type[Target] = getattr(import_module(f"pipelines.targets.{module}"), kind)
    missing = [package for package in target_class.packages if not _is_installed(package)]
    if missing:
        raise ConfigurationError(
            f"TARGET is {name}, and its packages are not installed ({', '.join(missing)}); "
            f"run `make sync TARGET={name}`, which installs them, or `pip install -r requirements/{name}.txt`."
        )
    return _configured(target_class)


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _configured(target_class: Callable[[], Target]) -> Target:
    try:
        return target_class()
    except ConfigurationException as error:
        fields = ", ".join(getattr(error, "fields", ())) or type(error).__name__
        raise ConfigurationError(
            f"The target's settings are not whole or have the wrong form ({fields}); compare them with docs/targets.md."
        ) from None
