"""What is sold: customer invoices, sales orders, and the receipts that the bank posts."""

from __future__ import annotations

from datetime import date, timedelta

from pipelines.sandbox.ledger.books import Books, bank_account_of, percent_of
from pipelines.sandbox.ledger.group import SWEDEN
from pipelines.sandbox.ledger.model import Item, Line, Match, Role, Subledger, Voucher


def customer_invoice(
    books: Books,
    customer: Subledger,
    day: date,
    net: int,
    *,
    document_type: str = "AR",
    account: str = "3001",
    case: str | None = None,
) -> Voucher:
    """A customer invoice with 25 % VAT (document type AR, or SO from a sales order)."""
    owner = customer.owner
    vat = percent_of(net, 25)
    receivable, output_vat = ("1510", "2610") if owner == SWEDEN else ("1500", "2700")
    role = Role.BALANCE if account == "3000" else Role.REVENUE
    item = Item(
        customer,
        net + vat,
        "INVOICE",
        Match(),
        f"S{books.line_count + 1}",
        day,
        day + timedelta(days=customer.terms_days),
        remaining=net + vat,
    )
    lines = [
        Line(
            receivable,
            net + vat,
            Role.RECEIVABLE,
            f"Faktura til {customer.name}",
            company=customer.party,
            match=item.match,
        ),
        Line(account, -net, role, "Salg"),
        Line(output_vat, -vat, Role.BALANCE, "Utgående mva 25 %"),
    ]
    return books.post(Voucher(owner, document_type, day, "Utgående faktura", lines, customer_items=[item], case=case))


def receipt(
    books: Books, invoice: Voucher, day: date, *, document_type: str = "BA", case: str | None = None
) -> Voucher:
    """The customer pays: with document type BA its credit on the receivable survives the literal rule as negative spend (D4)."""
    owed = invoice.lines[0]
    lines = [
        Line(bank_account_of(invoice.owner), owed.amount, Role.BALANCE, "Innbetaling"),
        Line(owed.account, -owed.amount, Role.RECEIVABLE, "Innbetaling", company=owed.company, match=owed.match),
    ]
    invoiced = invoice.customer_items[0]
    item = Item(
        invoiced.subledger,
        -owed.amount,
        "ELECTRONIC_PAYMENT",
        invoiced.match,
        invoiced.invoice_number,
        invoiced.invoice_date,
        invoiced.due_date,
        paid_on=day,
    )
    invoiced.remaining, invoiced.paid_on = 0, day
    return books.post(
        Voucher(invoice.owner, document_type, day, "Innbetaling", lines, customer_items=[item], case=case)
    )
