"""What the generator posts, and what it means by it: vouchers, their lines, supplier-ledger items, and the truth about each.

Amounts are whole øre (or öre, cents), debit positive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum

SPEND_TYPES = frozenset({"AP", "BA", "ER"})
SUPPLIER_INVOICE = "AP"
PAYROLL = "PR"


class Role(Enum):
    """What a line is for, and whether it is spend in a document that counts: by the literal rule, by the guarded rule."""

    COST = (True, True)
    PERSONNEL = (True, True)
    PREPAID = (True, True)
    # A prepaid cost taken to cost: it counted when it was invoiced
    RELEASE = (True, False)
    # Cash, equity, debt, VAT, control accounts and account 3000: what the literal rule takes out
    BALANCE = (False, False)
    RECEIVABLE = (True, False)
    TAX_ASSET = (True, False)
    REVENUE = (True, False)
    DEPRECIATION = (True, False)
    VAT_BASIS = (True, False)
    FINANCIAL = (True, False)
    # Pay and what is owed to, or due from, staff
    PAY = (True, False, "pay")
    PAY_DEBT = (False, False, "pay")
    STAFF_RECEIVABLE = (True, False, "pay")

    def __init__(self, literal: bool, guarded: bool, kind: str = "") -> None:
        self.literal = literal
        self.guarded = guarded
        self.is_pay = kind == "pay"

    def __new__(cls, *_values: object) -> Role:
        member = object.__new__(cls)
        member._value_ = len(cls.__members__)
        return member


@dataclass(frozen=True, eq=False)
class Party:
    """A company or person in the shared register."""

    db_id: int
    name: str
    number: str | None
    country: str
    is_person: bool = False


@dataclass(frozen=True, eq=False)
class Subledger:
    """A supplier, customer or employee of one owner. Without a code nothing but its name is known."""

    db_id: int
    owner: int
    ledger: str
    code: str
    party: Party
    account: str = "6790"
    vat_percent: int = 25
    bank_account: str = ""
    terms_days: int = 30
    is_open: bool = True
    has_company: bool = True

    @property
    def name(self) -> str:
        return self.party.name


@dataclass(eq=False)
class Match:
    """Items that settle each other. It is pay once a payroll voucher or a pay line stands in it."""

    db_id: int = 0
    is_payroll: bool = False


@dataclass(eq=False)
class Line:
    """One general-ledger line. ``parts``: whose money it is where several suppliers share the line."""

    account: str | None
    amount: int
    role: Role
    text: str | None
    tax: int = 0
    tax_code: str | None = None
    company: Party | None = None
    cost_centre: int | None = None
    project: int | None = None
    employee: int | None = None
    currency: str | None = None
    currency_amount: int | None = None
    match: Match | None = None
    supplier: Subledger | None = None
    attribution: str | None = None
    dimensions: tuple[int | None, ...] | None = None
    parts: dict[Subledger, int] = field(default_factory=dict)
    db_id: int = 0


@dataclass(eq=False)
class Item:
    """One item of the supplier ledger (an invoice is negative, a payment positive) or, the other way round, of a customer's."""

    subledger: Subledger
    amount: int
    kind: str
    match: Match
    invoice_number: str | None = None
    invoice_date: date | None = None
    due_date: date | None = None
    paid_on: date | None = None
    remaining: int = 0
    currency: str | None = None
    currency_amount: int | None = None
    text: str | None = None
    reference: str | None = None
    db_id: int = 0


@dataclass(eq=False)
class Voucher:
    """One header with its lines and items. ``case`` is the label of the domain case it stands for."""

    owner: int
    document_type: str
    posted: date
    text: str
    lines: list[Line] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    case: str | None = None
    customer_items: list[Item] = field(default_factory=list)
    created: datetime | None = None
    is_headless: bool = False
    is_untyped: bool = False
    db_id: int = 0
    number: int = 0

    def matches(self) -> Iterator[Match]:
        """The match groups of its lines and items."""
        yield from (line.match for line in self.lines if line.match)
        yield from (item.match for item in (*self.items, *self.customer_items))

    @property
    def invoice_date(self) -> date | None:
        return next((item.invoice_date for item in self.items if item.kind != "ELECTRONIC_PAYMENT"), None)

    @property
    def holds_pay(self) -> bool:
        """A pay line in anything but a supplier's invoice."""
        return self.document_type != SUPPLIER_INVOICE and any(line.role.is_pay for line in self.lines)

    def settle_truth(self) -> None:
        """Tell the match groups which of them are pay."""
        for line in self.lines:
            if line.match and (self.document_type == PAYROLL or (self.holds_pay and line.role.is_pay)):
                line.match.is_payroll = True
        if self.document_type == PAYROLL:
            for item in self.items:
                item.match.is_payroll = True

    def payroll_rule(self, line: Line) -> str | None:
        """Why a line must never be received; None for a line that may."""
        if self._is_unreadable or line.account is None:
            return "unreadable"
        if self.document_type == PAYROLL:
            return "type"
        if self.holds_pay:
            if line.role.is_pay:
                return "pay_account"
            if line.role is Role.BALANCE:
                return "balancing"
            if self.document_type != "ER" and not any(other.role is Role.BALANCE for other in self.lines):
                return "whole_voucher"
        if line.role is Role.BALANCE and self._pays_out_payroll:
            return "payout"
        return None

    def item_payroll_rule(self, item: Item) -> str | None:
        """Why a supplier-ledger item must never be received."""
        if self._is_unreadable:
            return "unreadable"
        if self.document_type == PAYROLL:
            return "type"
        if self.holds_pay:
            return "voucher"
        if item.match.is_payroll:
            return "match_group"
        return "employee" if item.subledger.ledger == "EMPLOYEE" else None

    @property
    def _is_unreadable(self) -> bool:
        return self.is_headless or self.is_untyped

    @property
    def _pays_out_payroll(self) -> bool:
        return self.document_type != SUPPLIER_INVOICE and any(
            self.item_payroll_rule(item) == "match_group" for item in self.items
        )
