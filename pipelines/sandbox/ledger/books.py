"""The books being written: vouchers in the making, invoices waiting for payment, and a voucher that does not add up is refused."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from pipelines.sandbox.ledger.group import SWEDEN, Group
from pipelines.sandbox.ledger.model import Item, Line, Match, Role, Subledger, Voucher

FIRST_DAY = date(2024, 1, 1)
LAST_DAY = date(2025, 12, 31)
# The sandbox's clock when it starts: vouchers of the last days of the year are still being registered.
NOW = datetime(2026, 1, 5, 9, 0, 0)
VAT_ACCOUNTS = {25: "2710", 15: "2711", 12: "2711"}
TAX_CODES = {25: "1", 15: "11", 12: "13", 0: "0"}


@dataclass
class Books:
    """Vouchers of all companies, not yet numbered."""

    group: Group
    random: random.Random
    vouchers: list[Voucher] = field(default_factory=list)
    unpaid: dict[int, list[Item]] = field(default_factory=dict)
    line_count: int = 0
    _secrets: int = 0

    def post(self, voucher: Voucher, days_to_register: int | None = None) -> Voucher:
        """Add a voucher.

        Raises:
            ValueError: its lines do not add up to zero.
        """
        if sum(line.amount for line in voucher.lines):
            raise ValueError(f"{voucher.document_type} voucher '{voucher.text}' does not add up to zero")
        if voucher.created is None:
            voucher.created = self._registered(voucher.posted, days_to_register)
        self.vouchers.append(voucher)
        self.line_count += len(voucher.lines)
        return voucher

    def amount(self, low: int, high: int) -> int:
        """A random amount in øre between two amounts in kroner."""
        return self.random.randint(low * 100, high * 100)

    def secret(self, text: str) -> str:
        """A text that stands on one payroll line only and can be looked for."""
        self._secrets += 1
        return f"{text} PX{self._secrets:05d}"

    def day(self, year: int, month: int) -> date:
        """A random day of a month."""
        return date(year, month, self.random.randint(1, 28))

    def _registered(self, posted: date, days: int | None) -> datetime:
        lag = days if days is not None else self.random.choice((0, 0, 1, 1, 2, 3, 5))
        moment = datetime.combine(posted + timedelta(days=lag), time(8)) + timedelta(
            seconds=self.random.randint(0, 8 * 3600)
        )
        return min(moment, NOW - timedelta(minutes=self.random.randint(1, 600)))


def bank_account_of(owner: int) -> str:
    """The ledger account of a company's bank."""
    return "1930" if owner == SWEDEN else "1920"


def payables_of(owner: int) -> str:
    """The control account of a company's supplier ledger."""
    return "2440" if owner == SWEDEN else "2400"


def input_vat(owner: int, percent: int) -> str:
    """The account of deductible VAT."""
    return "2641" if owner == SWEDEN else VAT_ACCOUNTS[percent]


def percent_of(amount: int, percent: int) -> int:
    """Whole øre, half away from zero."""
    sign = -1 if amount < 0 else 1
    return sign * ((abs(amount) * percent + 50) // 100)


def control_line(owner: int, item: Item, text: str) -> Line:
    """The line on the control account that an item of the supplier ledger stands for."""
    return Line(
        payables_of(owner),
        item.amount,
        Role.BALANCE,
        text,
        company=item.subledger.party,
        match=item.match,
        currency=item.currency,
        currency_amount=item.currency_amount,
    )


def invoice_item(
    supplier: Subledger,
    gross: int,
    number: str,
    day: date,
    *,
    kind: str = "INVOICE",
    currency: str | None = None,
    currency_gross: int | None = None,
    match: Match | None = None,
) -> Item:
    """The item of an invoice of ``gross`` (positive); negative for a credit note."""
    return Item(
        supplier,
        -gross,
        kind,
        match or Match(),
        number,
        day,
        day + timedelta(days=supplier.terms_days),
        remaining=-gross if currency_gross is None else -currency_gross,
        currency=currency,
        currency_amount=None if currency_gross is None else -currency_gross,
        text=f"Faktura {number}",
        reference=f"{abs(hash_of(number)) % 10**10:010d}",
    )


def hash_of(text: str) -> int:
    """A number that is the same in every run."""
    value = 0
    for character in text:
        value = (value * 131 + ord(character)) % (2**61 - 1)
    return value
