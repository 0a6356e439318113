"""`make check`: only the preflight, told to a person."""

from __future__ import annotations

import sys
from pathlib import Path

import dlt

from pipelines.budget import Budget
from pipelines.companies import run_each
from pipelines.conducted import end_with_the_conductor
from pipelines.console import Console
from pipelines.exits import exit_code_of
from pipelines.run_journal import read_journal
from pipelines.xledger.asking import Access
from pipelines.xledger.client import Traffic
from pipelines.xledger.errors import ConfigurationError
from pipelines.xledger.preflight import open_access
from pipelines.xledger.settings import Settings, data_folder, read_settings


def preflight(settings: Settings, traffic: Traffic, console: Console) -> list[Access]:
    """Open every token and say what it may read and what the API offers."""
    _warn_of_readable_secrets(console)
    accesses = []
    for token in settings.tokens:
        finding = open_access(token.name, token.secret, settings, traffic, console.say, console.countdown)
        console.say(f"Token {token.name!r}: {finding.company or 'accepted'}; every entity needed may be read")
        if finding.credits_left is not None:
            console.say(f"  credits left this hour: {finding.credits_left:,}")
        for note in finding.notes:
            console.say(f"  {note}")
        accesses.append(finding.access)
    return accesses


def main() -> int:
    end_with_the_conductor()
    return exit_code_of(run)


def run() -> None:
    """The preflight alone, of companies that are kept apart one by one; exits with 2 when something has to be set or ticked."""
    settings = read_settings()
    if not settings.tokens:
        raise no_token()
    console = Console()
    if settings.is_for_each_company:
        run_each("pipelines.check", (), settings, console, at_once=1)
        return
    preflight(settings, Traffic(), console)
    budget = Budget.of(settings, read_journal(data_folder(settings)))
    console.say(budget.told())
    budget.refuse_a_read_beyond("full")
    console.say("All is well: `make sync` can run.")


def no_token() -> ConfigurationError:
    return ConfigurationError(
        "No token is set: put it into .dlt/secrets.toml (copy .dlt/secrets.toml.template), or into the environment "
        "variable SOURCES__XLEDGER__API_TOKEN; README.md shows how to get one."
    )


def _warn_of_readable_secrets(console: Console) -> None:
    secrets = Path(dlt.current.run_context().settings_dir) / "secrets.toml"
    if secrets.exists() and secrets.stat().st_mode & 0o077:
        console.say(f"Warning: {secrets} can be read by others on this machine; run chmod 600 {secrets}")


if __name__ == "__main__":
    sys.exit(main())
