"""What a sync asks of the engine that holds raw tables and marts. On the default, DuckDB, all of it is the files alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pipelines.console import Console
from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import ConfigurationError
from pipelines.xledger.settings import Settings

# Beside the marts stand the schemas that each build makes anew, and the history that outlives it.
RAW, INCOMING, SNAPSHOTS = "raw_xledger", "raw_xledger_incoming", "snapshots"
PUBLISHED = ("marts", "audit")
BUILT = {schema: f"{schema}_build" for schema in PUBLISHED}
MADE_ANEW = ("reference", "staging", "intermediate", "findings")


class Target:
    """The default: raw tables, build and published file are DuckDB files below the data folder, and nothing is elsewhere."""

    name = "duckdb"
    # Distributions beside those that every run needs.
    packages: tuple[str, ...] = ()
    # Whether dbt finds in the engine's catalog, after a run, what the run built.
    keeps_its_catalog = True

    def refuse_the_sandbox(self) -> None:
        """The sandbox's made-up company is never put where the real one's spend is read.

        Raises:
            ConfigurationError: this target is one that others read.
        """
        if self.name != Target.name:
            raise ConfigurationError(
                f"No token is set, and TARGET is {self.name}: the sandbox's made-up company would be published there. "
                "Set a token, or leave TARGET away to try the sandbox on this machine."
            )

    def refuse_companies_apart(self, settings: Settings) -> None:
        """Companies that are kept apart have a file each; on a server they would share one schema.

        Raises:
            ConfigurationError: companies are kept apart, and this target is not DuckDB.
        """
        if settings.apart and self.name != Target.name:
            raise ConfigurationError(
                f"Companies are kept apart (apart = true), and TARGET is {self.name}, where all would share the same schemas; "
                "leave TARGET away, or run each company by itself with a target of its own."
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Reachable, ours and locked for the whole run.

        Raises:
            ConfigurationError: it cannot be reached, its rights do not suffice, or another run holds it.
        """
        yield

    def land(self, warehouse: Warehouse, console: Console) -> None:
        """Ship the raw tables of the finished warehouse file; they take the place of the last ones in one step."""

    def dbt_environment(self) -> Mapping[str, str]:
        """What dbt's profile needs to connect, secrets included: handed to that one process, never on a command line."""
        return {}

    def fetch_marts(self, warehouse: Warehouse) -> None:
        """Copy what dbt built and tested into the build's marts file, which becomes what analysts open."""

    def publish(self, warehouse: Warehouse, changes: Mapping[str, Any], console: Console) -> None:
        """Put the built marts in place of the published ones, in one step. ``changes`` is what `comparison.compare` said."""
