"""Everything a ledger can hold to break a reader: odd account codes, nulls, texts, amounts, dates and moments, each labelled."""

from __future__ import annotations

from datetime import date, datetime

from pipelines.sandbox.ledger import payroll, purchases
from pipelines.sandbox.ledger.books import Books, bank_account_of, control_line, invoice_item
from pipelines.sandbox.ledger.group import INDUSTRY, SERVICE, SWEDEN, TOP
from pipelines.sandbox.ledger.masters import BAS, NS4102
from pipelines.sandbox.ledger.model import Line, Role, Voucher
from pipelines.sandbox.ledger.purchases import HEADER_SINGLE_SUPPLIER, Bought, invoice

# chart, code, name, kind, and what a line on it is
_ACCOUNTS = (
    (NS4102, "4300*", "Varekjøp med stjerne", "goods", Role.COST),
    (NS4102, "43001", "Varekjøp fem siffer", "goods", Role.COST),
    (NS4102, "4300A", "Varekjøp med bokstav", "goods", Role.COST),
    (NS4102, "DIV", "Uten nummer", "other", Role.COST),
    (NS4102, "71", "Kort nummer", "other", Role.COST),
    (NS4102, "Æ100", "Bokstav først", "other", Role.COST),
    (NS4102, "1899*", "Rett under grensen", "asset", Role.COST),
    (NS4102, "18999", "Rett under grensen, fem siffer", "asset", Role.COST),
    (NS4102, "1900*", "På nedre grense", "asset", Role.BALANCE),
    (NS4102, "19005", "På nedre grense, fem siffer", "asset", Role.BALANCE),
    (NS4102, "30009", "På øvre grense, fem siffer", "revenue", Role.BALANCE),
    (NS4102, "3001*", "Rett over grensen", "revenue", Role.REVENUE),
)
_PAY_ACCOUNTS = (
    (NS4102, "5000*", "Lønn med stjerne", "wages"),
    (NS4102, "50001", "Lønn fem siffer", "wages"),
    (NS4102, "5000X", "Lønn med bokstav", "wages"),
    (NS4102, "2930A", "Skyldig lønn med bokstav", "debt"),
    (BAS, "7210*", "Löner med stjärna", "wages"),
)
EXTRA_ACCOUNTS = [(chart, code, name, kind) for chart, code, name, kind, *_ in (*_ACCOUNTS, *_PAY_ACCOUNTS)]

_TEXTS = (
    None,
    "",
    " ",
    'Sitat "dobbel" og \'enkel\' og \\ skråstrek',
    "Linje en\nLinje to\tmed tabulator",
    "=HYPERLINK(\"x\",\"y\")",
    "-2+3",
    "@sum(A1)",
    "Blåbærsyltetøy – 100 % økologisk €",
    "日本語テキスト",
    "👩‍🔧 reparasjon",
    "\u202eomvendt\u202c",
    "null",
    "x" * 5_000,
    "Ψ’;drop table x;--",
)  # fmt: skip
_FIFTEEN_DIGITS = 999_999_999_999_999


def post_hostile(books: Books) -> None:
    """Post every hostile case once."""
    _accounts_and_texts(books)
    _amounts(books)
    _dates_and_moments(books)
    _nulls(books)
    _sweden(books)
    if books.group.employees[TOP]:
        _pay(books)


def _accounts_and_texts(books: Books) -> None:
    supplier = books.group.suppliers[INDUSTRY][9]
    for _, code, name, _, role in _ACCOUNTS:
        invoice(
            books,
            supplier,
            date(2024, 7, 2),
            f"KONTO-{code}",
            [Bought(code, 101_000, 0, name, role)],
            case="account_code",
        )
    for number, text in enumerate(_TEXTS):
        voucher = invoice(
            books, supplier, date(2024, 7, 3), f"TEKST-{number}", [Bought("6800", 55_000 + number, 25, "")], case="text"
        )
        voucher.lines[1].text = text
        voucher.items[0].text = text


def _amounts(books: Books) -> None:
    supplier = books.group.suppliers[INDUSTRY][9]
    nothing = [Bought("6800", 0, 25, "Null kroner"), Bought("6810", 100, 0, "En krone")]
    invoice(books, supplier, date(2024, 7, 4), "NULL-1", nothing, case="zero_amount")
    invoice(
        books,
        supplier,
        date(2024, 7, 4),
        "NULL-2",
        [Bought("6800", 0, 0, "Bare null")],
        case="zero_amount",
        is_paid=False,
    )
    large = [Bought("1200", _FIFTEEN_DIGITS, 0, "Femten siffer")]
    original = invoice(books, supplier, date(2024, 7, 5), "STOR-1", large, case="fifteen_digits", is_paid=False)
    purchases.credit_note(books, original, date(2024, 7, 6), "STOR-1K", 100, case="fifteen_digits")
    invoice(books, supplier, date(2024, 7, 8), "ØRE-1", [Bought("6800", 1, 0, "Ett øre")], case="one_oere")


def _dates_and_moments(books: Books) -> None:
    supplier = books.group.suppliers[SERVICE][9]
    bought = [Bought("6800", 77_700, 25, "Rekvisita")]
    for number, invoiced in enumerate((date(1900, 1, 1), date(2099, 12, 31), date(2024, 2, 29))):
        voucher = invoice(
            books, supplier, date(2024, 7, 9), f"DATO-{number}", bought, case="strange_date", is_paid=False
        )
        voucher.items[0].invoice_date = invoiced
    for number, posted in enumerate((date(2024, 12, 31), date(2025, 1, 1))):
        invoice(books, supplier, posted, f"NYTTÅR-{number}", bought, case="year_end", days_before=1)
    # The hour that comes twice in October, and the moments around the one that is left out in March.
    moments = (
        "2024-10-27T02:30:00",
        "2024-10-27T02:30:00",
        "2024-10-27T03:00:00",
        "2025-03-30T01:59:59",
        "2025-03-30T03:00:00",
    )
    for number, moment in enumerate(moments):
        voucher = invoice(
            books, supplier, date.fromisoformat(moment[:10]), f"KLOKKE-{number}", bought, case="clock_change"
        )
        voucher.created = datetime.fromisoformat(moment)


def _nulls(books: Books) -> None:
    supplier = books.group.special["nothing_known"]
    voucher = invoice(
        books,
        supplier,
        date(2024, 7, 10),
        "UKJENT-1",
        [Bought("6800", 66_600, 0, "Varer")],
        case="nulls",
        is_paid=False,
    )
    voucher.items[0].due_date = voucher.items[0].text = voucher.items[0].reference = None
    invoice(
        books,
        books.group.special["national_id"],
        date(2024, 7, 10),
        "PERSON-1",
        [Bought("6790", 88_800, 0, "Tolk")],
        case="P8",
    )
    for number, flaw in enumerate(("headless", "untyped")):
        item = invoice_item(supplier, 43_210 + number, books.secret("Uten hode"), date(2024, 7, 11))
        item.text, item.reference = books.secret("Kan ikke bedømmes"), books.secret("KID")
        lines = [
            Line("6800", 43_210 + number, Role.COST, books.secret("Kan ikke bedømmes")),
            control_line(SERVICE, item, books.secret("Kan ikke bedømmes")),
        ]
        unreadable = Voucher(SERVICE, "AP", date(2024, 7, 11), books.secret("Uten hode"), lines, [item], "unreadable")
        unreadable.is_headless, unreadable.is_untyped = flaw == "headless", flaw == "untyped"
        books.post(unreadable)
    item = invoice_item(supplier, 98_765, "UTENKONTO-1", date(2024, 7, 12))
    lines = [
        control_line(SERVICE, item, "Uten konto"),
        Line("6800", 8_765, Role.COST, "Med konto", supplier=supplier, attribution=HEADER_SINGLE_SUPPLIER),
        Line(None, 90_000, Role.COST, books.secret("Uten konto")),
    ]
    books.post(Voucher(SERVICE, "AP", date(2024, 7, 12), books.secret("Uten konto"), lines, [item], "unreadable"))


def _sweden(books: Books) -> None:
    suppliers = books.group.suppliers[SWEDEN]
    for number, account in enumerate(("5010", "5420", "6540", "6800")):
        bought = [Bought(account, 1_250_000 + number, 25, "Svensk kostnad")]
        invoice(books, suppliers[number], date(2024, 3, 11), f"SE-{number}", bought, case="bas_cost")
    training = [Bought("7610", 480_000, 25, "Utbildning", Role.PERSONNEL)]
    invoice(books, suppliers[8], date(2024, 3, 12), "SE-KURS", training, case="P_7610_AP")
    bounds = [
        Bought("1899", 10_100, 0, "Precis under"),
        Bought("1910", 10_200, 0, "Kassa", Role.BALANCE),
        Bought("3000", 10_300, 0, "Övre gräns", Role.BALANCE),
        Bought("3001", 10_400, 0, "Precis över", Role.REVENUE),
        Bought("7832", 10_500, 0, "Avskrivning", Role.DEPRECIATION),
        Bought("8410", 10_600, 0, "Ränta", Role.FINANCIAL),
    ]
    invoice(books, suppliers[9], date(2024, 3, 13), "SE-GRANS", bounds, case="account_bounds")


def _pay(books: Books) -> None:
    someone = books.group.employees[TOP][0]
    for code in ("5000*", "50001", "5000X", "2930A"):
        amount = books.amount(10_000, 40_000)
        role = Role.PAY_DEBT if code.startswith("2") else Role.PAY
        lines = [
            Line(code, amount, role, books.secret(f"Lønn {someone.name}")),
            Line(bank_account_of(TOP), -amount, Role.BALANCE, books.secret("Overføring")),
        ]
        books.post(Voucher(TOP, "BA", date(2024, 7, 15), books.secret("Lønn"), lines, case="account_code"))
    if not books.group.employees[SWEDEN]:
        return
    swede = books.group.employees[SWEDEN][0]
    payroll.staff_advance(books, SWEDEN, swede, date(2024, 7, 16), "1610", "P7")
    amount = books.amount(10_000, 40_000)
    lines = [
        Line("7210*", amount, Role.PAY, books.secret(f"Lön {swede.name}")),
        Line("1930", -amount, Role.BALANCE, books.secret("Överföring")),
    ]
    books.post(Voucher(SWEDEN, "BA", date(2024, 7, 17), books.secret("Lön"), lines, case="account_code"))
    spent = [("5890", 90_000, 0), ("5611", 30_000, 25)]
    report = payroll.expense_report(books, SWEDEN, swede, date(2024, 7, 18), spent, withheld=4_200, case="P6")
    payroll.pay_expenses(books, report, date(2024, 7, 25), case="D8")
