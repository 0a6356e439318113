"""Everything that is neither bought, sold nor paid: journals, opening items, file imports, accruals, VAT returns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pipelines.sandbox.ledger.books import Books, bank_account_of, control_line, invoice_item
from pipelines.sandbox.ledger.model import Item, Line, Role, Subledger, Voucher
from pipelines.sandbox.ledger.purchases import JOURNAL, LINE_COMPANY


def journal(
    books: Books,
    owner: int,
    day: date,
    text: str,
    posted: Sequence[tuple[str, int, Role]],
    *,
    document_type: str = "GL",
    case: str | None = None,
) -> Voucher:
    """A voucher of (account, amount, role) lines without parties."""
    lines = [Line(account, amount, role, text, attribution=JOURNAL) for account, amount, role in posted]
    return books.post(Voucher(owner, document_type, day, text, lines, case=case))


def depreciation(
    books: Books, owner: int, day: date, amount: int, *, document_type: str = "GL", case: str | None = None
) -> Voucher:
    """A month's depreciation."""
    posted = [("6010", amount, Role.DEPRECIATION), ("1250", -amount, Role.COST)]
    return journal(books, owner, day, "Avskrivning inventar", posted, document_type=document_type, case=case)


def release_of_prepaid(books: Books, owner: int, day: date, amount: int, *, case: str | None = None) -> Voucher:
    """A month of a prepaid cost taken to cost (D5): the invoice has counted already."""
    posted = [("6300", amount, Role.COST), ("1700", -amount, Role.PREPAID)]
    return journal(books, owner, day, "Periodisering leie", posted, case=case)


def reclassification(books: Books, owner: int, day: date, amount: int, *, case: str | None = None) -> Voucher:
    """Cost moved between accounts (D11): no spend of its own."""
    posted = [("6540", amount, Role.COST), ("6800", -amount, Role.COST)]
    return journal(books, owner, day, "Omklassifisering", posted, case=case)


def vat_return(books: Books, owner: int, day: date, amount: int) -> Voucher:
    """VAT of a term moved to the settlement account."""
    posted = [
        ("2700", amount, Role.BALANCE),
        ("2710", -(amount // 2), Role.BALANCE),
        ("2740", amount // 2 - amount, Role.BALANCE),
    ]
    return journal(books, owner, day, "Mva-oppgjør", posted)


def vat_paid(books: Books, owner: int, day: date, amount: int) -> Voucher:
    """The VAT return paid from the bank."""
    posted = [("2740", amount, Role.BALANCE), (bank_account_of(owner), -amount, Role.BALANCE)]
    return journal(books, owner, day, "Betalt mva", posted, document_type="BA")


def interest(books: Books, owner: int, day: date, amount: int, *, case: str | None = None) -> Voucher:
    """Interest charged by the bank: a financial item, not spend (D4)."""
    posted = [("8150", amount, Role.FINANCIAL), (bank_account_of(owner), -amount, Role.BALANCE)]
    return journal(books, owner, day, "Renter kassekreditt", posted, document_type="BA", case=case)


def opening_items(
    books: Books, owner: int, day: date, invoices: Sequence[tuple[Subledger, str, int]], *, case: str = "D12"
) -> Voucher:
    """Open supplier items brought over from the former system (D12): not new spend."""
    items = [invoice_item(supplier, gross, number, day) for supplier, number, gross in invoices]
    controls = [control_line(owner, item, f"IB {item.invoice_number}") for item in items]
    total = sum(item.amount for item in items)
    equity = Line("2050", -total, Role.BALANCE, "Inngående balanse")
    voucher = books.post(Voucher(owner, "OS", day, "Inngående balanse", [*controls, equity], items, case))
    books.unpaid.setdefault(owner, []).extend(items)
    return voucher


def imported_invoices(
    books: Books,
    supplier: Subledger,
    day: date,
    invoices: Sequence[tuple[str, int]],
    *,
    document_type: str = "MA",
    case: str | None = None,
) -> Voucher:
    """A supplier's invoices read from a file under one voucher number: real spend outside AP, BA and ER."""
    lines: list[Line] = []
    items: list[Item] = []
    for number, gross in invoices:
        item = invoice_item(supplier, gross, number, day)
        cost = Line(
            supplier.account,
            gross,
            Role.COST,
            f"Strøm {number}",
            company=supplier.party,
            supplier=supplier,
            attribution=LINE_COMPANY,
        )
        lines += [control_line(supplier.owner, item, f"Strøm {number}"), cost]
        items.append(item)
    voucher = books.post(Voucher(supplier.owner, document_type, day, "Filimport", lines, items, case))
    books.unpaid.setdefault(supplier.owner, []).extend(items)
    return voucher
