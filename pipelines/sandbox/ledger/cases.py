"""The labelled cases: one hand-made voucher, or a few, for each way that pay leaks (P1-P14) and spend is counted wrong (D1-D15).

P9, P10 and P14 are no vouchers: they are about when and how something is read. P11-P13 live in the master data, the files and the
number of payroll lines; the pay runs carry them.
"""

from __future__ import annotations

from datetime import date, timedelta

from pipelines.sandbox.ledger import journals, payroll, purchases, sales
from pipelines.sandbox.ledger.books import NOW, Books, bank_account_of, control_line, invoice_item
from pipelines.sandbox.ledger.group import INDUSTRY, SERVICE, TOP
from pipelines.sandbox.ledger.model import Line, Role, Voucher
from pipelines.sandbox.ledger.purchases import AMOUNT_MATCH, INVOICE_REFERENCE, MISSING_AP_ROW, Bought, invoice


def post_cases(books: Books) -> None:
    """Post every labelled case once."""
    _spend_shapes(books)
    _prepaid_and_journals(books)
    _credit_and_foreign(books)
    _several_suppliers(books)
    _intercompany_and_card(books)
    _outside_document_types(books)
    _year_end(books)
    if books.group.employees[TOP]:
        _payroll(books)


def _spend_shapes(books: Books) -> None:
    group = books.group
    office, consultant = group.suppliers[INDUSTRY][9], group.suppliers[INDUSTRY][8]
    lines = [
        Bought("6800", 123_450, 25, "Kontorrekvisita", cost_centre=0, project=0),
        Bought("6860", 80_000, 15, "Møtemat", cost_centre=1),
        Bought("7500", 45_000, 0, "Forsikring uten mva", cost_centre=2),
        Bought("6790", 1, 25, "Øredifferanse"),
    ]
    voucher = invoice(books, office, date(2024, 2, 12), "D1-1001", lines, case="D1", is_paid=False)
    purchases.payment(books, INDUSTRY, date(2024, 3, 14), [voucher.items[0]], case="D2")
    fee = invoice(
        books,
        consultant,
        date(2024, 3, 4),
        "D2-1002",
        [Bought("6790", 1_250_000, 25, "Rådgivning")],
        case="D2",
        is_paid=False,
    )
    purchases.payment(books, INDUSTRY, date(2024, 4, 4), [fee.items[0]], fee=4_500, case="D2")
    receivable = sales.customer_invoice(
        books, group.customers[INDUSTRY][0], date(2024, 2, 1), 4_000_000, account="3000", case="D4"
    )
    sales.receipt(books, receivable, date(2024, 2, 20), case="D4")
    journals.interest(books, INDUSTRY, date(2024, 3, 31), 23_411, case="D4")
    misposted = [Bought("6010", 412_000, 0, "Avskrivning feilført", Role.DEPRECIATION)]
    invoice(books, office, date(2024, 3, 31), "D4-AVSKR", misposted, case="D4")
    machine = group.suppliers[INDUSTRY][19]
    invoice(books, machine, date(2024, 5, 6), "CAPEX-1", [Bought("1200", 48_000_000, 25, "Dreiebenk")], case="capex")
    invoice(books, machine, date(2024, 5, 7), "LAGER-1", [Bought("1400", 900_000, 25, "Varelager")], case="capex")
    training = group.suppliers[SERVICE][22]
    invoice(
        books,
        training,
        date(2024, 5, 8),
        "KURS-1",
        [Bought("5900", 350_000, 25, "Kurs", Role.PERSONNEL)],
        case="P_5900_AP",
    )
    boundary = [
        Bought("1899", 10_100, 0, "Rett under grensen"),
        Bought("1900", 10_200, 0, "På nedre grense", Role.BALANCE),
        Bought("3000", 10_300, 0, "På øvre grense", Role.BALANCE),
        Bought("3001", 10_400, 0, "Rett over grensen", Role.REVENUE),
    ]
    invoice(books, office, date(2024, 6, 3), "GRENSE-1", boundary, case="account_bounds")
    seller = group.special["owner_person"]
    invoice(books, seller, date(2024, 6, 5), "P8-EIER", [Bought("6790", 640_000, 0, "Konsulentbistand")], case="P8")
    for name, number in (
        ("shared_number_a", "DELT-1"),
        ("shared_number_b", "DELT-2"),
        ("no_number", "SYKKEL-1"),
        ("no_company", "UTEN-1"),
    ):
        supplier = group.special[name]
        bought = Bought(supplier.account, 210_000, supplier.vat_percent, "Varer")
        invoice(books, supplier, date(2024, 6, 10), number, [bought], case=name)
    shared = group.special["group_buying"]
    invoice(
        books,
        shared,
        date(2024, 6, 11),
        "KONSERN-1",
        [Bought("6810", 330_000, 25, "Konsernavtale")],
        owner=SERVICE,
        case="shared_supplier",
    )
    for number in ("DUBLETT-1", "DUBLETT 1"):
        invoice(books, office, date(2024, 6, 17), number, [Bought("6800", 98_700, 25, "Toner")], case="duplicate")


def _prepaid_and_journals(books: Books) -> None:
    landlord = books.group.suppliers[SERVICE][0]
    year = invoice(
        books,
        landlord,
        date(2024, 1, 3),
        "LEIE-2024",
        [Bought("1700", 12_000_000, 0, "Leie 2024", Role.PREPAID)],
        case="D5",
        is_paid=False,
    )
    purchases.payment(books, SERVICE, date(2024, 1, 18), [year.items[0]], case="D15")
    invoice(
        books,
        landlord,
        date(2024, 12, 2),
        "LEIE-2025",
        [
            Bought("1700", 13_200_000, 0, "Leie desember til november", Role.PREPAID),
            Bought("1700", -1_100_000, 0, "Herav desember", Role.RELEASE),
            Bought("6300", 1_100_000, 0, "Leie desember", Role.RELEASE),
        ],
        case="D5",
    )
    for month in range(1, 13):
        journals.release_of_prepaid(books, SERVICE, date(2024, month, 28), 1_000_000, case="D5")
    journals.reclassification(books, SERVICE, date(2024, 7, 31), 250_000, case="D11")
    suppliers = books.group.suppliers[SERVICE]
    journals.opening_items(
        books, SERVICE, date(2024, 1, 1), [(suppliers[3], "IB-1", 500_000), (suppliers[5], "IB-2", 120_050)]
    )
    power = books.group.suppliers[SERVICE][1]
    journals.imported_invoices(
        books,
        power,
        date(2024, 4, 30),
        [(f"MA-{number}", 70_000 + 1_313 * number) for number in range(12)],
        case="outside_types",
    )


def _credit_and_foreign(books: Books) -> None:
    group = books.group
    consultant = group.suppliers[INDUSTRY][8]
    original = invoice(
        books, consultant, date(2024, 8, 5), "D6-1", [Bought("6790", 800_000, 25, "Analyse")], case="D6", is_paid=False
    )
    purchases.credit_note(books, original, date(2024, 8, 20), "D6-1K", 25, case="D6")
    purchases.payment(books, INDUSTRY, date(2024, 9, 5), [original.items[0]], case="D6")
    reversed_one = invoice(
        books, consultant, date(2024, 9, 9), "D6-2", [Bought("6790", 555_500, 25, "Feilført")], case="D6", is_paid=False
    )
    purchases.credit_note(books, reversed_one, date(2024, 9, 10), "D6-2K", 100, case="D6")
    purchases.foreign_invoice(
        books, group.special["german"], date(2024, 3, 12), "RE-2024/17", "EUR", 114_230, 350_000, case="D13"
    )
    purchases.foreign_invoice(
        books, group.special["american"], date(2024, 4, 2), "INV-0099", "USD", 106_810, 129_900, case="D13"
    )


def _several_suppliers(books: Books) -> None:
    group = books.group
    one, two, three = (group.special[name] for name in ("farm_a", "farm_b", "farm_c"))
    for attribution, month in ((INVOICE_REFERENCE, 2), (AMOUNT_MATCH, 3)):
        invoices = [
            (one, f"D3-{month}1", Bought("6340", 110_000, 25, "Nettleie")),
            (two, f"D3-{month}2", Bought("6340", 220_000, 25, "Nettleie")),
            (three, f"D3-{month}3", Bought("6340", 330_000, 25, "Nettleie")),
        ]
        purchases.many_invoices(books, TOP, date(2024, month, 15), invoices, attribution, case="D3")
    purchases.shared_cost(
        books,
        TOP,
        date(2024, 4, 15),
        [(one, "D3-41", 100_000), (two, "D3-42", 200_000), (three, "D3-43", 400_001)],
        "6340",
        case="D3",
    )
    credited = [(one, "D3-61K", -100_003), (two, "D3-62K", -200_002), (three, "D3-63K", -300_001)]
    purchases.shared_cost(books, TOP, date(2024, 6, 17), credited, "6340", case="D3")
    number = "MANGE"
    invoices = [(one, f"{number}-{index}", Bought("6340", 10_000 + index * 101, 25, "Nettleie")) for index in range(60)]
    purchases.many_invoices(books, TOP, date(2024, 5, 15), invoices, purchases.HEADER_SINGLE_SUPPLIER, case="D3")
    cost = Line("6790", 44_000, Role.COST, "Uten reskontropost", attribution=MISSING_AP_ROW)
    lines = [cost, Line("2400", -44_000, Role.BALANCE, "Uten reskontropost")]
    books.post(Voucher(TOP, "AP", date(2024, 5, 20), "Manglende reskontropost", lines, case="missing_ap_row"))


def _intercompany_and_card(books: Books) -> None:
    group = books.group
    sister = group.special["sister"]
    invoice(
        books,
        sister,
        date(2024, 10, 1),
        "IC-1",
        [Bought("6790", 1_000_000, 25, "Konserntjenester")],
        case="D9",
        names_company=True,
    )
    buyer = next(iter(group.customers[SERVICE]))
    sales.customer_invoice(books, buyer, date(2024, 10, 1), 1_000_000, account="3900", case="D9")
    # The bank's card bill goes to a clearing account; what was bought is counted in the expense reports.
    bank = group.special["card_bank"]
    bill = 300_000
    item = invoice_item(bank, bill, "D7-KORT", date(2024, 10, 7))
    lines = [control_line(SERVICE, item, "Kortregning"), Line("1925", bill, Role.BALANCE, "Firmakort oktober")]
    books.post(Voucher(SERVICE, "AP", date(2024, 10, 7), "Firmakort", lines, [item], "D7"))
    spent = [("7140", 200_000, 12), ("6860", 76_000, 0)]
    costs = [
        Line(account, net, Role.COST, "Firmakort kjøp", tax=net * vat // 100, attribution=purchases.EMPLOYEE_EXPENSE)
        for account, net, vat in spent
    ]
    tax = sum(line.tax for line in costs)
    clearing = Line("1925", -sum(line.amount for line in costs) - tax, Role.BALANCE, "Firmakort oktober")
    vat_line = Line("2711", tax, Role.BALANCE, "Inngående mva")
    books.post(Voucher(SERVICE, "ER", date(2024, 10, 10), "Firmakort", [*costs, vat_line, clearing], case="D7"))


def _outside_document_types(books: Books) -> None:
    group = books.group
    order = sales.customer_invoice(
        books, group.customers[SERVICE][1], date(2024, 11, 4), 640_000, document_type="SO", case="D15"
    )
    sales.receipt(books, order, date(2024, 11, 20), document_type="OCR", case="D4")
    supplier = group.suppliers[TOP][9]
    invoice(
        books,
        supplier,
        date(2024, 11, 6),
        "PO-77",
        [Bought("6800", 55_000, 25, "Innkjøpsordre")],
        document_type="PO",
        case="D15",
    )
    fee = [
        Line("7770", 1_900, Role.COST, "Gebyr", attribution=purchases.BANK_FEE),
        Line(bank_account_of(TOP), -1_900, Role.BALANCE, "Gebyr"),
    ]
    books.post(Voucher(TOP, "BAA", date(2024, 11, 8), "Bankfil", fee, case="tenant_type"))


def _year_end(books: Books) -> None:
    """Invoices of the old year that are registered in the new one: what the change feeds hold when the sandbox starts."""
    for number, supplier in enumerate(books.group.suppliers[TOP][8:12]):
        bought = [Bought(supplier.account, 120_000 + 700 * number, supplier.vat_percent, "Desember")]
        voucher = invoice(books, supplier, date(2025, 12, 31), f"AAR-{number}", bought, case="year_end", is_paid=False)
        voucher.created = NOW - timedelta(days=1, hours=number)


def _payroll(books: Books) -> None:
    group = books.group
    someone, another = group.employees[TOP][0], group.employees[TOP][-1]
    run = payroll.pay_run(books, TOP, group.employees[TOP][:2], date(2024, 1, 25), case="P1")
    payroll.payout(books, TOP, run, date(2024, 1, 30), case="P3")
    payroll.settlement_of_duties(books, TOP, run, date(2024, 3, 15), case="P5")
    payroll.wages_against_bank(books, TOP, date(2024, 2, 5), someone)
    payroll.wages_against_bank(books, TOP, date(2024, 3, 5), another)
    payroll.imported_payroll(books, TOP, date(2024, 2, 28))
    payroll.imported_payroll(books, TOP, date(2024, 3, 28), document_type="MA")
    allowance = [("7140", 120_000, 12), ("7100", 35_000, 0), ("7160", 20_000, 0)]
    report = payroll.expense_report(books, TOP, someone, date(2024, 4, 8), allowance, withheld=9_100, case="P6")
    payroll.pay_expenses(books, report, date(2024, 4, 18), case="D8")
    quiet = payroll.expense_report(
        books,
        SERVICE,
        group.employees[SERVICE][0],
        date(2024, 4, 9),
        [("6860", 41_000, 0)],
        through_staff_account=False,
        case="P6",
    )
    payroll.pay_expenses(books, quiet, date(2024, 4, 18), case="D8")
    with_supplier = payroll.expense_report(books, TOP, another, date(2024, 5, 6), [("7140", 88_000, 12)], case="P6")
    bill = invoice(
        books,
        group.suppliers[TOP][9],
        date(2024, 4, 22),
        "P3-MIX",
        [Bought("6800", 77_000, 25, "Papir")],
        is_paid=False,
    )
    payroll.pay_expenses(books, with_supplier, date(2024, 5, 23), others=[bill.items[0]], case="P3")
    for account in ("1570", "1571", "1740"):
        payroll.staff_advance(books, TOP, someone, date(2024, 6, 3), account)
    for name, account, month in (("collector", "2610", 7), ("union", "2650", 8)):
        agency = group.special[name]
        deducted = payroll.deduction_through_agency(books, TOP, agency, date(2024, month, 12), account, "P8")
        ordinary = invoice(
            books,
            group.suppliers[TOP][9],
            date(2024, month, 1),
            f"P8-{month}",
            [Bought("6800", 61_000 + month, 25, "Blekk")],
            is_paid=False,
        )
        payroll.pay_agency(books, deducted, date(2024, month, 28), [ordinary.items[0]], 3_500, "P8")
    payroll.reclassified_pay(books, TOP, date(2024, 9, 30), "whole_voucher")
    payroll.mixed_voucher(books, TOP, someone, date(2024, 10, 4), "mixed_voucher")
    payroll.gifts_by_card(books, TOP, date(2024, 10, 9), "P_5900_BA")
    adviser = group.suppliers[TOP][8]
    payroll.board_fee_invoice(books, adviser, date(2024, 10, 14), "STYRE-1", "P8_board")
    for days in range(2):
        payroll.wages_against_bank(
            books, SERVICE, date(2024, 11, 5) + timedelta(days=days), group.employees[SERVICE][0]
        )
