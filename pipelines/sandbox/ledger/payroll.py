"""Pay and people: payroll vouchers with their supplier-ledger items, payouts, wages without a payroll document, expense reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from pipelines.sandbox.ledger.books import Books, bank_account_of, control_line, percent_of
from pipelines.sandbox.ledger.group import SWEDEN
from pipelines.sandbox.ledger.model import Item, Line, Match, Role, Subledger, Voucher
from pipelines.sandbox.ledger.purchases import EMPLOYEE_EXPENSE, HEADER_SINGLE_SUPPLIER, Bought, invoice, payment

_NORWAY = {
    "wage": "5000", "tax": "2600", "net": "2930", "holiday": "5180", "holiday_debt": "2940", "contribution": "5400",
    "contribution_debt": "2770", "deduction": "2650", "staff": "2910",
}  # fmt: skip
_SWEDEN = {
    "wage": "7210", "tax": "2710", "net": "2821", "holiday": "7210", "holiday_debt": "2920", "contribution": "7510",
    "contribution_debt": "2730", "deduction": "2790", "staff": "2821",
}  # fmt: skip


def accounts_of(owner: int) -> dict[str, str]:
    """Pay accounts of a company's chart."""
    return _SWEDEN if owner == SWEDEN else _NORWAY


def pay_run(books: Books, owner: int, employees: Sequence[Subledger], day: date, *, case: str | None = None) -> Voucher:
    """One month's payroll voucher (P1): wage, tax and net for each employee, with the net as an item to pay (P2)."""
    accounts = accounts_of(owner)
    lines: list[Line] = []
    items: list[Item] = []
    wages = 0
    for employee in employees:
        wage = books.amount(38_000, 71_000)
        tax = percent_of(wage, 34)
        item = Item(
            employee,
            -(wage - tax),
            "INVOICE",
            Match(),
            books.secret(f"Lønn {day:%Y-%m}"),
            day,
            day + timedelta(days=5),
            text=books.secret(f"Netto lønn {employee.name}"),
            reference=books.secret("KID"),
            remaining=-(wage - tax),
        )
        pay = books.secret(f"Fastlønn {employee.name}")
        lines += [
            Line(accounts["wage"], wage, Role.PAY, pay, employee=employee.db_id),
            Line(
                accounts["tax"],
                -tax,
                Role.PAY_DEBT,
                books.secret(f"Forskuddstrekk {employee.name}"),
                employee=employee.db_id,
            ),
            Line(accounts["net"], item.amount, Role.PAY_DEBT, item.text, match=item.match, company=employee.party),
        ]
        items.append(item)
        wages += wage
    for debit, credit, percent, text in (
        ("holiday", "holiday_debt", 12, "Feriepenger"),
        ("contribution", "contribution_debt", 14, "Arbeidsgiveravgift"),
    ):
        amount = percent_of(wages, percent)
        lines.append(Line(accounts[debit], amount, Role.PAY, books.secret(f"{text} {day:%Y-%m}")))
        lines.append(Line(accounts[credit], -amount, Role.PAY_DEBT, books.secret(f"{text} {day:%Y-%m}")))
    return books.post(Voucher(owner, "PR", day, books.secret(f"Lønnskjøring {day:%Y-%m}"), lines, items, case))


def payout(books: Books, owner: int, run: Voucher, day: date, *, case: str | None = None) -> Voucher:
    """The bank's payout of a pay run (P3): a BA voucher that clears the net pay of each employee."""
    lines, items = [], []
    for owed in run.items:
        item = _settle(books, owed, day)
        lines.append(Line(accounts_of(owner)["net"], item.amount, Role.PAY_DEBT, item.text, match=item.match))
        items.append(item)
    total = sum(line.amount for line in lines)
    bank = Line(bank_account_of(owner), -total, Role.BALANCE, books.secret(f"Lønnsutbetaling {day:%Y-%m}"))
    return books.post(Voucher(owner, "BA", day, books.secret("Lønnsutbetaling"), [bank, *lines], items, case))


def wages_against_bank(books: Books, owner: int, day: date, employee: Subledger, *, case: str = "P4") -> Voucher:
    """Wages straight against the bank, without any payroll document (P4)."""
    wage = books.amount(30_000, 60_000)
    lines = [
        Line(
            accounts_of(owner)["wage"], wage, Role.PAY, books.secret(f"Lønn {employee.name}"), employee=employee.db_id
        ),
        Line(bank_account_of(owner), -wage, Role.BALANCE, books.secret("Overføring lønn")),
    ]
    return books.post(Voucher(owner, "BA", day, books.secret(f"Lønn {employee.name}"), lines, case=case))


def settlement_of_duties(books: Books, owner: int, run: Voucher, day: date, *, case: str | None = None) -> Voucher:
    """Withheld tax and employer contributions of a pay run, paid to the state (P5)."""
    accounts = accounts_of(owner)
    tax = -sum(line.amount for line in run.lines if line.account == accounts["tax"])
    contributions = -sum(line.amount for line in run.lines if line.account == accounts["contribution_debt"])
    lines = [
        Line(accounts["tax"], tax, Role.PAY_DEBT, books.secret("Forskuddstrekk til kemneren")),
        Line(
            accounts["contribution_debt"], contributions, Role.PAY_DEBT, books.secret("Arbeidsgiveravgift til kemneren")
        ),
        Line(bank_account_of(owner), -tax - contributions, Role.BALANCE, books.secret("A-melding oppgjør")),
    ]
    return books.post(Voucher(owner, "BA", day, books.secret("A-melding"), lines, case=case))


def imported_payroll(books: Books, owner: int, day: date, *, document_type: str = "GL", case: str = "P5") -> Voucher:
    """Payroll brought in from another system as a journal (P5)."""
    accounts = accounts_of(owner)
    wage = books.amount(80_000, 200_000)
    tax = percent_of(wage, 30)
    lines = [
        Line(accounts["wage"], wage, Role.PAY, books.secret("Import lønn")),
        Line(accounts["tax"], -tax, Role.PAY_DEBT, books.secret("Import trekk")),
        Line("2990", tax - wage, Role.BALANCE, books.secret("Import netto")),
    ]
    return books.post(Voucher(owner, document_type, day, books.secret("Import fra lønnssystem"), lines, case=case))


def expense_report(
    books: Books,
    owner: int,
    employee: Subledger,
    day: date,
    spent: Sequence[tuple[str, int, int]],
    *,
    withheld: int = 0,
    through_staff_account: bool = True,
    case: str | None = None,
) -> Voucher:
    """An employee's expense report (P6) of (account, net, VAT %) lines.

    The person is the creditor, and stays out of the texts of the cost lines.
    """
    accounts = accounts_of(owner)
    costs = [
        Line(
            account, net, Role.COST, "Reise- og utleggslinje", tax=percent_of(net, vat), employee=employee.db_id,
            attribution=EMPLOYEE_EXPENSE,
        )
        for account, net, vat in spent
    ]  # fmt: skip
    tax = sum(line.tax for line in costs)
    gross = sum(line.amount for line in costs) + tax - withheld
    is_pay = through_staff_account or withheld > 0
    item = Item(
        employee,
        -gross,
        "INVOICE",
        Match(),
        books.secret("Reiseregning"),
        day,
        day + timedelta(days=10),
        remaining=-gross,
        text=books.secret(f"Utlegg {employee.name}"),
        reference=books.secret("KID"),
    )
    other_text = books.secret("Motpost utlegg") if is_pay else "Motpost utlegg"
    staff = (
        Line(accounts["staff"], -gross, Role.PAY_DEBT, books.secret(f"Til gode {employee.name}"), match=item.match)
        if through_staff_account
        else Line("2990", -gross, Role.BALANCE, other_text, match=item.match)
    )
    lines = [*costs, staff]
    if tax:
        lines.append(Line("2641" if owner == SWEDEN else "2710", tax, Role.BALANCE, other_text))
    if withheld:
        lines.append(Line(accounts["tax"], -withheld, Role.PAY_DEBT, books.secret(f"Trekk {employee.name}")))
    return books.post(Voucher(owner, "ER", day, books.secret(f"Reiseregning {employee.name}"), lines, [item], case))


def pay_expenses(
    books: Books, report: Voucher, day: date, *, others: Sequence[Item] = (), case: str | None = None
) -> Voucher:
    """The bank pays an expense report (D8), possibly in the same voucher as suppliers' invoices."""
    owed = report.items[0]
    voucher = payment(books, report.owner, day, others) if others else None
    item = _settle(books, owed, day)
    through_staff = report.holds_pay
    account = accounts_of(report.owner)["staff"] if through_staff else "2990"
    text = item.text if through_staff else "Utbetaling utlegg"
    line = Line(account, item.amount, Role.PAY_DEBT if through_staff else Role.BALANCE, text, match=item.match)
    if voucher is None:
        bank_text = books.secret("Utbetaling utlegg") if through_staff else "Utbetaling utlegg"
        bank = Line(bank_account_of(report.owner), -item.amount, Role.BALANCE, bank_text)
        return books.post(Voucher(report.owner, "BA", day, "Utbetaling utlegg", [bank, line], [item], case))
    for settled in voucher.lines:
        settled.text = books.secret(settled.text or "Utbetaling")
    for paid in voucher.items:
        paid.text, paid.reference = books.secret(paid.text or "Betaling"), None
    voucher.lines[0].amount -= item.amount
    voucher.lines.append(line)
    voucher.items.append(item)
    voucher.case = case
    books.line_count += 1
    return voucher


def deduction_through_agency(
    books: Books, owner: int, agency: Subledger, day: date, account: str, case: str
) -> Voucher:
    """A deduction from pay owed to an agency (P8): the payroll voucher itself makes the item on the agency's subledger."""
    amount = books.amount(900, 4_000)
    item = Item(
        agency, -amount, "INVOICE", Match(), books.secret("Trekk"), day, day + timedelta(days=14),
        text=books.secret("Trekk i lønn"), reference=books.secret("KID"), remaining=-amount,
    )  # fmt: skip
    control = control_line(owner, item, books.secret("Trekk i lønn"))
    lines = [Line(account, amount, Role.PAY_DEBT, books.secret("Trekk i lønn")), control]
    return books.post(Voucher(owner, "PR", day, books.secret("Trekk"), lines, [item], case))


def pay_agency(books: Books, run: Voucher, day: date, others: Sequence[Item], fee: int, case: str) -> Voucher:
    """The bank pays the agency, in one voucher with an ordinary invoice: nothing in it but the match group tells of pay."""
    voucher = payment(books, run.owner, day, [*others, run.items[0]], fee=fee, case=case)
    for line in voucher.lines:
        if line.role is Role.BALANCE:
            line.text = books.secret("Utbetaling bunt")
    agency_item = voucher.items[-1]
    agency_item.text, agency_item.reference = books.secret("Betaling trekk"), books.secret("KID")
    return voucher


def staff_advance(books: Books, owner: int, employee: Subledger, day: date, account: str, case: str = "P7") -> Voucher:
    """An advance to an employee: a receivable below 1900 that the literal account rule leaves in (P7)."""
    amount = books.amount(2_000, 9_000)
    lines = [
        Line(
            account, amount, Role.STAFF_RECEIVABLE, books.secret(f"Forskudd {employee.name}"), employee=employee.db_id
        ),
        Line(bank_account_of(owner), -amount, Role.BALANCE, books.secret("Utbetaling forskudd")),
    ]
    return books.post(Voucher(owner, "BA", day, books.secret("Forskudd"), lines, case=case))


def reclassified_pay(books: Books, owner: int, day: date, case: str) -> Voucher:
    """Pay moved to an ordinary cost account with no balance line: what would be left over would tell the pay."""
    amount = books.amount(10_000, 40_000)
    lines = [
        Line("6790", amount, Role.COST, books.secret("Omklassifisert lønn prosjekt")),
        Line(accounts_of(owner)["wage"], -amount, Role.PAY, books.secret("Omklassifisert lønn prosjekt")),
    ]
    return books.post(Voucher(owner, "GL", day, books.secret("Omklassifisering"), lines, case=case))


def mixed_voucher(books: Books, owner: int, employee: Subledger, day: date, case: str) -> Voucher:
    """Pay and an ordinary purchase in one bank voucher: the purchase stays, everything that would tell the pay goes."""
    wage, cost = books.amount(20_000, 40_000), books.amount(300, 900)
    lines = [
        Line(
            accounts_of(owner)["wage"], wage, Role.PAY, books.secret(f"Lønn {employee.name}"), employee=employee.db_id
        ),
        Line("6800", cost, Role.COST, "Kontorrekvisita kontant", attribution="none_cash_purchase"),
        Line(bank_account_of(owner), -wage - cost, Role.BALANCE, books.secret("Uttak")),
    ]
    return books.post(Voucher(owner, "BA", day, books.secret("Uttak"), lines, case=case))


def gifts_by_card(books: Books, owner: int, day: date, case: str) -> Voucher:
    """Gifts to staff paid by card: other personnel cost, which is pay in anything but a supplier's invoice."""
    amount = books.amount(400, 2_000)
    lines = [
        Line("5900", amount, Role.PAY, books.secret("Gaver til ansatte")),
        Line(bank_account_of(owner), -amount, Role.BALANCE, books.secret("Kortkjøp")),
    ]
    return books.post(Voucher(owner, "BA", day, books.secret("Kortkjøp"), lines, case=case))


def board_fee_invoice(books: Books, supplier: Subledger, day: date, number: str, case: str) -> Voucher:
    """Board fees billed by the member's own firm: a supplier's invoice on a pay account. Received, but not spend when guarded."""
    bought = [Bought("5330", books.amount(20_000, 50_000), 0, "Styrehonorar", Role.PAY)]
    voucher = invoice(books, supplier, day, number, bought, case=case)
    voucher.lines[1].attribution = HEADER_SINGLE_SUPPLIER
    return voucher


def _settle(books: Books, owed: Item, day: date) -> Item:
    item = Item(
        owed.subledger, -owed.remaining, "ELECTRONIC_PAYMENT", owed.match, owed.invoice_number, owed.invoice_date, owed.due_date,
        paid_on=day, text=books.secret(f"Utbetaling {owed.subledger.name}"), reference=books.secret("KID"),
    )  # fmt: skip
    owed.remaining, owed.paid_on = 0, day
    return item
