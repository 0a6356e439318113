"""Journals become document types: by what the journal is called, else by what the voucher does.

`document_types.csv` holds the names, first match first, looked for in the journal's type, id and description. A journal that says
nothing (a general ledger) is told by its vouchers: one that credits a supplier is an invoice (AP), one with a line on a bank
account (19xx) a bank voucher (BA), anything else a journal (GL).
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

_BANK = "19"


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    with Path(__file__).with_name("document_types.csv").open(encoding="utf-8", newline="") as file:
        return tuple((row["document_type"], re.compile(row["journal"], re.IGNORECASE)) for row in csv.DictReader(file))


def of_journal(names: str) -> str | None:
    """Document type of a journal with these names; None where they say nothing."""
    return next((code for code, pattern in _patterns() if pattern.search(names)), None)


def of_voucher(accounts: list[str], *, credits_supplier: bool) -> str:
    """Document type of a voucher in a journal that says nothing."""
    if any(account.startswith(_BANK) for account in accounts):
        return "BA"
    return "AP" if credits_supplier else "GL"
