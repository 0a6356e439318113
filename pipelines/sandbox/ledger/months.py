"""The ordinary business of two years: a seeded mix of vouchers until the ledger has the lines that were asked for."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count

from pipelines.sandbox.ledger import journals, payroll, purchases, sales
from pipelines.sandbox.ledger.books import FIRST_DAY, LAST_DAY, Books
from pipelines.sandbox.ledger.group import SWEDEN
from pipelines.sandbox.ledger.model import Role, Subledger
from pipelines.sandbox.ledger.purchases import Bought, invoice

_KINDS = {
    "invoice": 46,
    "long_invoice": 6,
    "credited_invoice": 3,
    "foreign_invoice": 4,
    "many_invoices": 1,
    "sale": 14,
    "expenses": 7,
    "fee": 6,
    "card": 5,
    "journal": 5,
    "import": 1,
    "interest": 2,
}
_TEXTS = (
    "Varer og tjenester",
    "Abonnement",
    "Månedsavtale",
    "Levering",
    "Timer iht. avtale",
    "Service",
    "Lisens – årlig",
    "Frakt & gebyr",
)
_RATES = {"EUR": (112_000, 119_000), "USD": (101_000, 111_000), "GBP": (131_000, 142_000), "SEK": (9_600, 10_300)}
_PERSONNEL_ACCOUNTS = ("5900", "5910", "7610", "7621")


def post_months(books: Books, lines: int) -> None:
    """Fill the books up to about ``lines`` lines: pay runs first, then random business, then the payments that fall due."""
    _pay_runs(books, lines)
    kinds, weights = tuple(_KINDS), tuple(_KINDS.values())
    owners = tuple(books.group.owners)
    days = (LAST_DAY - FIRST_DAY).days
    numbers = count(1)

    def post_one() -> None:
        owner = books.random.choice(owners)
        day = FIRST_DAY + timedelta(days=books.random.randint(0, days))
        _post(books, books.random.choices(kinds, weights)[0], owner, day, next(numbers))

    while books.line_count + purchases.payment_lines_to_come(books) < lines:
        post_one()
    purchases.pay_what_is_due(books)
    while books.line_count < lines:
        post_one()


def _pay_runs(books: Books, lines: int) -> None:
    """A pay run each month, as long as pay stays a small part of a small ledger."""
    for owner, employees in books.group.employees.items():
        if not employees:
            continue
        lines_of_a_run = 4 * len(employees) + 8
        months = max(1, min(24, lines // (7 * lines_of_a_run * len(books.group.owners))))
        if len(employees) > 20:
            months = 24
        for month in range(months):
            day = date(2024 + month // 12, month % 12 + 1, 22)
            run = payroll.pay_run(books, owner, employees, day)
            payroll.payout(books, owner, run, min(day + timedelta(days=3), LAST_DAY))
            payroll.settlement_of_duties(books, owner, run, min(day + timedelta(days=23), LAST_DAY))


def _post(books: Books, kind: str, owner: int, day: date, number: int) -> None:
    suppliers = books.group.suppliers[owner]
    if kind in ("card", "import"):
        # Personnel accounts are ordinary cost on a supplier's invoice only.
        suppliers = [one for one in suppliers if one.account not in _PERSONNEL_ACCOUNTS]
    supplier = books.random.choice(suppliers)
    invoice_number = f"{10_000 + number}"
    if kind == "invoice":
        invoice(
            books, supplier, day, invoice_number, _bought(books, supplier, 1), names_company=books.random.random() < 0.4
        )
    elif kind == "long_invoice":
        bought = _bought(books, supplier, books.random.randint(2, 9))
        invoice(books, supplier, day, invoice_number, bought, names_company=books.random.random() < 0.4)
    elif kind == "credited_invoice":
        original = invoice(books, supplier, day, invoice_number, _bought(books, supplier, 1), names_company=True)
        later = min(day + timedelta(days=books.random.randint(1, 20)), LAST_DAY)
        purchases.credit_note(books, original, later, f"{invoice_number}K", books.random.choice((10, 25, 50, 100)))
    elif kind == "foreign_invoice" and owner != SWEDEN:
        currency = books.random.choice(tuple(_RATES))
        rate = books.random.randint(*_RATES[currency])
        purchases.foreign_invoice(books, supplier, day, invoice_number, currency, rate, books.amount(100, 9_000))
    elif kind == "many_invoices":
        _many(books, owner, day, invoice_number)
    elif kind == "sale":
        _sale(books, owner, day)
    elif kind == "expenses" and books.group.employees[owner]:
        _expenses(books, owner, day)
    elif kind == "fee":
        purchases.bank_fee(
            books, owner, day, books.random.choice((350, 1_000, 2_500, 7_900)), "6570" if owner == SWEDEN else "7770"
        )
    elif kind == "card":
        known = supplier if books.random.random() < 0.5 else None
        purchases.card_purchase(books, owner, day, _bought(books, supplier, 1)[0], known)
    elif kind == "import":
        gross = [
            (f"{invoice_number}-{index}", books.amount(200, 4_000)) for index in range(books.random.randint(2, 12))
        ]
        journals.imported_invoices(books, supplier, day, gross)
    elif kind == "interest":
        account = "8410" if owner == SWEDEN else "8150"
        bank = "1930" if owner == SWEDEN else "1920"
        amount = books.amount(20, 900)
        posted = [(account, amount, Role.FINANCIAL), (bank, -amount, Role.BALANCE)]
        journals.journal(books, owner, day, "Renter kassekreditt", posted, document_type="BA")
    elif owner != SWEDEN:
        _journal(books, owner, day)


def _bought(books: Books, supplier: Subledger, count: int) -> list[Bought]:
    role = Role.PERSONNEL if supplier.account in _PERSONNEL_ACCOUNTS else Role.COST
    return [
        Bought(
            supplier.account,
            books.amount(90, 30_000),
            supplier.vat_percent,
            books.random.choice(_TEXTS),
            role,
            books.random.choice((None, 0, 1, 2, 3, 4, 5)),
            books.random.choice((None, None, 0, 1, 2, 3)),
        )
        for _ in range(count)
    ]


def _many(books: Books, owner: int, day: date, number: str) -> None:
    suppliers = books.random.sample([one for one in books.group.suppliers[owner] if one.vat_percent == 25], 3)
    # Prime steps keep every sum of net and VAT different from the others, so that an amount points at one invoice only.
    invoices = [
        (
            supplier,
            f"{number}-{index}",
            Bought(supplier.account, books.amount(500, 5_000) * 4 + 7 * index, 25, "Samlefaktura"),
        )
        for index, supplier in enumerate(suppliers)
    ]
    how = books.random.choice((purchases.LINE_COMPANY, purchases.INVOICE_REFERENCE, purchases.AMOUNT_MATCH))
    purchases.many_invoices(books, owner, day, invoices, how)


def _sale(books: Books, owner: int, day: date) -> None:
    customer = books.random.choice(books.group.customers[owner])
    sold = sales.customer_invoice(
        books, customer, day, books.amount(500, 60_000), document_type=books.random.choice(("AR", "AR", "SO")),
        account=books.random.choice(("3000", "3001")),
    )  # fmt: skip
    paid = day + timedelta(days=books.random.randint(5, 40))
    if paid <= LAST_DAY:
        sales.receipt(books, sold, paid, document_type=books.random.choice(("BA", "OCR")))


def _expenses(books: Books, owner: int, day: date) -> None:
    accounts = (
        (("5890", 0), ("5611", 25))
        if owner == SWEDEN
        else (("7140", 12), ("6860", 0), ("7000", 25), ("7100", 0), ("7160", 0))
    )
    spent = [
        (account, books.amount(60, 3_500), vat)
        for account, vat in books.random.sample(accounts, books.random.randint(1, 2))
    ]
    employee = books.random.choice(books.group.employees[owner])
    report = payroll.expense_report(
        books, owner, employee, day, spent, through_staff_account=books.random.random() < 0.6
    )
    paid = day + timedelta(days=books.random.randint(3, 12))
    if paid <= LAST_DAY:
        payroll.pay_expenses(books, report, paid)


def _journal(books: Books, owner: int, day: date) -> None:
    kind = books.random.choice(("depreciation", "reclassification", "vat", "vat_paid"))
    amount = books.amount(300, 20_000)
    if kind == "depreciation":
        journals.depreciation(books, owner, day, amount)
    elif kind == "reclassification":
        journals.reclassification(books, owner, day, amount)
    elif kind == "vat":
        journals.vat_return(books, owner, day, amount)
    else:
        journals.vat_paid(books, owner, day, amount)
