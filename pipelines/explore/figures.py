"""The key figures at the head of app and report."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from pipelines.explore.numbers import money, percent_change, whole
from pipelines.explore.overview import Totals


class Figure(NamedTuple):
    """What it is, its value, and what to know about it."""

    name: str
    value: str | Markup
    note: str


def key_figures(totals: Totals, currency: str | None) -> list[Figure]:
    unit = currency or "unknown currency"
    return [
        Figure("Spend", money(totals.spend, currency), f"{unit}, without VAT"),
        Figure("Year before", money(totals.year_before, currency), f"{unit}, same months"),
        Figure("Change", percent_change(totals.spend, totals.year_before), "against the year before"),
        Figure("Suppliers", whole(totals.suppliers), "with spend"),
        Figure("Invoices", whole(totals.invoices), "with a number"),
        Figure("Spend lines", whole(totals.lines), "cost lines of the ledger"),
        Figure("Without supplier", money(totals.without_supplier, currency), f"{unit}: bank, cash, journals"),
    ]
