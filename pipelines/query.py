"""`make query`: DuckDB's own shell on the published file, read-only, with the README's questions as views."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipelines.exits import exit_code_of
from pipelines.explore.published import published_warehouse
from pipelines.xledger.errors import XledgerError

_README = Path(__file__).resolve().parent.parent / "README.md"
_SHELL = Path(sys.executable).with_name("duckdb")
_SQL_BLOCK = re.compile(r"^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A question of the README and the SQL that answers it."""

    question: str
    sql: str


def main() -> int:
    parser = argparse.ArgumentParser(description="A SQL shell on the published file.")
    parser.add_argument("--sql", help="answer this instead of opening the shell")
    return exit_code_of(partial(run, parser.parse_args().sql))


def run(sql: str | None) -> None:
    """Open the shell until the user leaves it, or answer one statement and end.

    Raises:
        ConfigurationError: nothing is published yet.
        XledgerError: the statement failed; the shell has said why.
    """
    published = published_warehouse().published
    with tempfile.TemporaryDirectory() as folder:
        start = Path(folder) / "start.sql"
        start.write_text(_start_of_shell(examples(), greeting=sql is None), encoding="utf-8")
        # `-init` takes the place of the user's own start file, so the shell is the same for everybody.
        command = [
            str(_SHELL),
            "-readonly",
            "-init",
            str(start),
            str(published),
            *(["-bail", "-c", sql] if sql else []),
        ]
        failed = subprocess.run(command, check=False).returncode != 0  # noqa: S603
    if failed and sql is not None:
        raise XledgerError("The statement failed, as said above; the published file is as it was.")


def examples() -> list[Example]:
    """The README's queries in their order, each with the paragraph above it."""
    text = _README.read_text(encoding="utf-8")
    return [
        Example(_paragraph_above(text, block.start()), block[1].strip().rstrip(";"))
        for block in _SQL_BLOCK.finditer(text)
    ]


def _paragraph_above(text: str, position: int) -> str:
    *_, paragraph = text[:position].strip().split("\n\n")
    return " ".join(paragraph.replace("**", "").replace("`", "").split()).rstrip(":")


def _start_of_shell(found: list[Example], *, greeting: bool) -> str:
    views = "".join(f"create temp view example_{number} as {one.sql};\n" for number, one in enumerate(found, 1))
    rows = ", ".join(
        f"('example_{number}', {_literal(one.question)}, {_literal(one.sql)})" for number, one in enumerate(found, 1)
    )
    filled = f"{views}create temp table examples as from (values {rows}) as found (name, question, sql);\n"
    if not greeting:
        return filled
    shown = "".join(
        f".print '  from example_{number};  -- {_plain(one.question)}'\n" for number, one in enumerate(found, 1)
    )
    return (
        f"{filled}.print 'The published file, read-only. Tables: show all tables; leave with .exit'\n"
        f".print 'Examples, and how they are written: select sql from examples;'\n{shown}"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _plain(text: str) -> str:
    return text.replace("'", "’")


if __name__ == "__main__":
    sys.exit(main())
