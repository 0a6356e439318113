"""What is bought: supplier invoices in their many shapes, and the payments that settle them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.sandbox.ledger.books import (
    LAST_DAY,
    TAX_CODES,
    Books,
    bank_account_of,
    control_line,
    input_vat,
    invoice_item,
    percent_of,
)
from pipelines.sandbox.ledger.model import Item, Line, Role, Subledger, Voucher

LINE_COMPANY = "line_company"
HEADER_SINGLE_SUPPLIER = "header_single_supplier"
INVOICE_REFERENCE = "invoice_reference"
AMOUNT_MATCH = "amount_match"
PRO_RATA = "pro_rata"
BANK_FEE = "none_bank_fee"
CASH_PURCHASE = "none_cash_purchase"
EMPLOYEE_EXPENSE = "none_employee_expense"
JOURNAL = "none_journal"
MISSING_AP_ROW = "none_missing_ap_row"


@dataclass(frozen=True)
class Bought:
    """One cost line of an invoice: net in øre, and its VAT."""

    account: str
    net: int
    vat_percent: int
    text: str
    role: Role = Role.COST
    cost_centre: int | None = None
    project: int | None = None


def invoice(
    books: Books,
    supplier: Subledger,
    posted: date,
    number: str,
    bought: Sequence[Bought],
    *,
    owner: int | None = None,
    document_type: str = "AP",
    names_company: bool = False,
    case: str | None = None,
    is_paid: bool = True,
    kind: str = "INVOICE",
    days_before: int = 3,
) -> Voucher:
    """One invoice, one voucher: the control line with the gross, cost lines with the net, one VAT line for each rate."""
    owner = owner if owner is not None else supplier.owner
    costs = [_cost_line(one, supplier, names_company) for one in bought]
    vat = _vat_lines(owner, costs, bought)
    gross = sum(line.amount for line in (*costs, *vat))
    item = invoice_item(supplier, gross, number, posted - timedelta(days=days_before), kind=kind)
    control = control_line(owner, item, f"{supplier.name} {number}")
    voucher = Voucher(owner, document_type, posted, f"Faktura {number}", [control, *costs, *vat], [item], case)
    books.post(voucher)
    if is_paid and document_type == "AP":
        books.unpaid.setdefault(owner, []).append(item)
    return voucher


def foreign_invoice(
    books: Books,
    supplier: Subledger,
    posted: date,
    number: str,
    currency: str,
    rate: int,
    net: int,
    *,
    case: str | None = None,
) -> Voucher:
    """An invoice in another currency (``net`` in cents, ``rate`` in 1/10000), with the reverse-charge VAT pair on the service."""
    company_net = (net * rate + 5_000) // 10_000
    vat = percent_of(company_net, 25)
    item = invoice_item(
        supplier, company_net, number, posted - timedelta(days=2), currency=currency, currency_gross=net
    )
    cost = Line(
        supplier.account,
        company_net,
        Role.COST,
        f"{supplier.name} {currency} {number}",
        tax_code="86",
        supplier=supplier,
        attribution=HEADER_SINGLE_SUPPLIER,
        currency=currency,
        currency_amount=net,
    )
    pair = [
        Line("2714", vat, Role.BALANCE, "Inngående mva tjenester fra utlandet"),
        Line("2704", -vat, Role.BALANCE, "Utgående mva tjenester fra utlandet"),
        Line("7780", company_net, Role.VAT_BASIS, "Grunnlag tjenester fra utlandet"),
        Line("7781", -company_net, Role.VAT_BASIS, "Motkonto grunnlag tjenester fra utlandet"),
    ]
    control = control_line(supplier.owner, item, f"{supplier.name} {number}")
    voucher = books.post(
        Voucher(supplier.owner, "AP", posted, f"Faktura {number}", [control, cost, *pair], [item], case)
    )
    books.unpaid.setdefault(supplier.owner, []).append(item)
    return voucher


def credit_note(
    books: Books, original: Voucher, posted: date, number: str, share: int, *, case: str | None = None
) -> Voucher:
    """A credit note over ``share`` percent of an invoice's cost lines, in the invoice's match group."""
    invoiced = original.items[0]
    costs = [line for line in original.lines if line.role is not Role.BALANCE]
    credited = [_copy(line, -percent_of(line.amount, share), -percent_of(line.tax, share)) for line in costs]
    total_tax = sum(line.tax for line in credited)
    vat = [Line(_vat_account(original), total_tax, Role.BALANCE, "Mva kreditnota")] if total_tax else []
    gross = sum(line.amount for line in (*credited, *vat))
    item = invoice_item(invoiced.subledger, gross, number, posted, kind="CREDIT_MEMO", match=invoiced.match)
    item.remaining = 0
    invoiced.remaining -= gross
    control = control_line(original.owner, item, f"Kreditnota {number}")
    return books.post(
        Voucher(original.owner, "AP", posted, f"Kreditnota {number}", [control, *credited, *vat], [item], case)
    )


def payment(
    books: Books,
    owner: int,
    day: date,
    items: Sequence[Item],
    *,
    fee: int = 0,
    case: str | None = None,
    document_type: str = "BA",
) -> Voucher:
    """One payment from the bank that settles invoices, of several suppliers as a rule; a fee can ride along."""
    lines: list[Line] = []
    paid: list[Item] = []
    for settled in items:
        amount = _company_amount(settled)
        item = Item(
            settled.subledger,
            amount,
            "ELECTRONIC_PAYMENT",
            settled.match,
            settled.invoice_number,
            settled.invoice_date,
            settled.due_date,
            paid_on=day,
            currency=settled.currency,
            currency_amount=None if settled.currency is None else -settled.remaining,
            text=f"Betaling {settled.invoice_number}",
            reference=settled.reference,
        )
        lines.append(control_line(owner, item, f"Betaling {settled.invoice_number}"))
        settled.remaining, settled.paid_on = 0, day
        paid.append(item)
    if fee:
        lines.append(Line("7770", fee, Role.COST, "Gebyr utbetaling", attribution=BANK_FEE))
    bank = Line(bank_account_of(owner), -sum(line.amount for line in lines), Role.BALANCE, f"Utbetaling {day:%d.%m.%Y}")
    return books.post(Voucher(owner, document_type, day, f"Utbetaling {day:%d.%m.%Y}", [bank, *lines], paid, case))


def pay_what_is_due(books: Books) -> None:
    """Pay the waiting invoices on the Thursday after they fall due, at most five in one voucher; some stay open."""
    for owner, items in sorted(books.unpaid.items()):
        by_day: dict[date, list[Item]] = {}
        for item in items:
            assert item.due_date is not None  # noqa: S101
            due = item.due_date + timedelta(days=books.random.choice((-4, 0, 0, 3, 10)))
            day = due + timedelta(days=(3 - due.weekday()) % 7)
            if day <= LAST_DAY and item.remaining:
                by_day.setdefault(day, []).append(item)
        for day, due_items in sorted(by_day.items()):
            while due_items:
                several = [due_items.pop(0) for _ in range(min(len(due_items), books.random.choice((1, 2, 3, 5))))]
                payment(books, owner, day, several)
    books.unpaid.clear()


def payment_lines_to_come(books: Books) -> int:
    """Roughly the lines that `pay_what_is_due` will add."""
    return sum(len(items) for items in books.unpaid.values()) * 14 // 10


def bank_fee(books: Books, owner: int, day: date, amount: int, account: str = "7770") -> Voucher:
    """A fee that a bank rule posts by itself: cost without a supplier."""
    lines = [
        Line(account, amount, Role.COST, "Gebyr nettbank", attribution=BANK_FEE),
        Line(bank_account_of(owner), -amount, Role.BALANCE, "Gebyr nettbank"),
    ]
    return books.post(Voucher(owner, "BA", day, "Bankgebyr", lines))


def card_purchase(books: Books, owner: int, day: date, one: Bought, supplier: Subledger | None) -> Voucher:
    """Bought with the company's card or cash, straight from the bank; the line names the company where it is known."""
    line = _cost_line(one, supplier, names_company=True) if supplier else _unknown_seller(one)
    vat = [Line(input_vat(owner, one.vat_percent), line.tax, Role.BALANCE, "Mva")] if line.tax else []
    bank = Line(bank_account_of(owner), -line.amount - line.tax, Role.BALANCE, "Kortkjøp")
    return books.post(Voucher(owner, "BA", day, "Kortkjøp", [line, *vat, bank]))


def many_invoices(
    books: Books,
    owner: int,
    posted: date,
    invoices: Sequence[tuple[Subledger, str, Bought]],
    attribution: str,
    *,
    document_type: str = "AP",
    case: str | None = None,
) -> Voucher:
    """Several suppliers' invoices in one voucher; how each cost line can be traced to its supplier is told by ``attribution``."""
    lines: list[Line] = []
    items: list[Item] = []
    for supplier, number, one in invoices:
        cost = _cost_line(one, supplier, names_company=attribution == LINE_COMPANY)
        cost.text = f"{one.text} {number}" if attribution == INVOICE_REFERENCE else one.text
        cost.attribution = attribution
        vat = [Line(input_vat(owner, one.vat_percent), cost.tax, Role.BALANCE, "Mva")] if cost.tax else []
        item = invoice_item(supplier, cost.amount + cost.tax, number, posted)
        items.append(item)
        lines += [control_line(owner, item, f"{supplier.name} {number}"), cost, *vat]
    voucher = books.post(Voucher(owner, document_type, posted, "Samlebilag", lines, items, case))
    if document_type == "AP":
        books.unpaid.setdefault(owner, []).extend(items)
    return voucher


def shared_cost(
    books: Books,
    owner: int,
    posted: date,
    invoices: Sequence[tuple[Subledger, str, int]],
    account: str,
    *,
    case: str | None = None,
) -> Voucher:
    """Several suppliers' invoices, or credit notes, without VAT on two cost lines, each split by what each supplier invoiced."""
    kind = "INVOICE" if invoices[0][2] > 0 else "CREDIT_MEMO"
    items = [invoice_item(supplier, gross, number, posted, kind=kind) for supplier, number, gross in invoices]
    total = sum(gross for *_, gross in invoices)
    # Neither half equals any single invoice, so that no amount can be matched.
    amounts = (total * 6 // 10 + 1, total - total * 6 // 10 - 1)
    costs = [
        Line(account, amount, Role.COST, "Felleskostnad", attribution=PRO_RATA, parts=split(amount, items))
        for amount in amounts
    ]
    controls = [control_line(owner, item, f"{item.subledger.name} {item.invoice_number}") for item in items]
    voucher = books.post(Voucher(owner, "AP", posted, "Samlebilag", [*controls, *costs], items, case))
    books.unpaid.setdefault(owner, []).extend(items)
    return voucher


def split(amount: int, items: Sequence[Item]) -> dict[Subledger, int]:
    """Parts of an amount by what each supplier invoiced; the rest goes, øre by øre, to the largest remainders."""
    invoiced: dict[Subledger, int] = {}
    for item in items:
        invoiced[item.subledger] = invoiced.get(item.subledger, 0) + abs(item.amount)
    total = sum(invoiced.values())
    shares = {supplier: divmod(abs(amount) * part, total) for supplier, part in invoiced.items()}
    by_remainder = sorted(shares, key=lambda supplier: (-shares[supplier][1], supplier.db_id))
    left_over = abs(amount) - sum(whole for whole, _ in shares.values())
    more = set(by_remainder[:left_over])
    sign = -1 if amount < 0 else 1
    return {supplier: sign * (whole + (supplier in more)) for supplier, (whole, _) in shares.items()}


def _cost_line(one: Bought, supplier: Subledger | None, names_company: bool) -> Line:
    line = _unknown_seller(one)
    if supplier is not None:
        line.supplier = supplier
        line.company = supplier.party if names_company else None
        line.attribution = LINE_COMPANY if names_company else HEADER_SINGLE_SUPPLIER
    return line


def _unknown_seller(one: Bought) -> Line:
    return Line(
        one.account,
        one.net,
        one.role,
        one.text,
        tax=percent_of(one.net, one.vat_percent),
        tax_code=TAX_CODES[one.vat_percent],
        cost_centre=one.cost_centre,
        project=one.project,
        attribution=CASH_PURCHASE,
    )


def _vat_lines(owner: int, costs: Sequence[Line], bought: Sequence[Bought]) -> list[Line]:
    by_rate: dict[int, int] = {}
    for line, one in zip(costs, bought, strict=True):
        by_rate[one.vat_percent] = by_rate.get(one.vat_percent, 0) + line.tax
    return [
        Line(input_vat(owner, percent), tax, Role.BALANCE, f"Inngående mva {percent} %")
        for percent, tax in by_rate.items()
        if tax
    ]


def _vat_account(voucher: Voucher) -> str:
    accounts = [line.account for line in voucher.lines if line.account and line.role is Role.BALANCE and not line.match]
    return accounts[0] if accounts else input_vat(voucher.owner, 25)


def _copy(line: Line, amount: int, tax: int) -> Line:
    return Line(
        line.account,
        amount,
        line.role,
        f"Kreditert: {line.text}",
        tax=tax,
        tax_code=line.tax_code,
        company=line.company,
        cost_centre=line.cost_centre,
        project=line.project,
        supplier=line.supplier,
        attribution=line.attribution,
    )


def _company_amount(item: Item) -> int:
    return -item.amount if item.currency else -item.remaining
