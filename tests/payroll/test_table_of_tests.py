"""The table in README.md names tests that there are, and every test file of this folder."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
TABLE = (HERE / "README.md").read_text(encoding="utf-8")


def test_every_named_test_exists() -> None:
    named = re.findall(r"`([\w./]+\.py)::(\w+)`", TABLE)
    assert len(named) > 50
    missing = [f"{file}::{test}" for file, test in named if f"\ndef {test}(" not in (HERE / file).read_text("utf-8")]
    assert missing == []


def test_every_row_names_a_test() -> None:
    rows = [line for line in TABLE.splitlines() if line.startswith("| ")][2:]
    assert [row for row in rows if "::" not in row] == []


def test_every_way_that_pay_leaks_has_its_row() -> None:
    assert re.findall(r"^\| (P\d+) ", TABLE, flags=re.MULTILINE) == [f"P{number}" for number in range(1, 15)]


def test_every_file_of_this_folder_is_named() -> None:
    files = {path.name for path in HERE.glob("test_*.py")} - {Path(__file__).name}
    assert [name for name in sorted(files) if name not in TABLE] == []
