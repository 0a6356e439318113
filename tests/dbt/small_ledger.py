"""A ledger small enough to check by hand: two companies in one group, every kind of voucher, amounts in kroner.

Company 1 owns the shared chart of accounts (as a group's top owner does); company 2 uses it. A voucher is written as its
lines ``(account, amount, ...)``; each adds up to zero unless payroll lines were left out at the source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from tests.dbt.raw_warehouse import RawWarehouse

TOP, SUBSIDIARY = 1, 2
NORWEGIAN_CHART = 2

ACCOUNTS = {
    "1200": (100, "Machines", {"balance_sheet": True, "asset": True}),
    "1500": (101, "Receivables", {"balance_sheet": True, "asset": True}),
    "1710": (102, "Prepaid rent", {"balance_sheet": True, "asset": True}),
    "1899": (103, "Securities", {"balance_sheet": True, "asset": True}),
    "1900*": (104, "Cash", {"balance_sheet": True, "asset": True}),
    "1920": (105, "Bank", {"balance_sheet": True, "asset": True}),
    "2400": (106, "Trade creditors", {"balance_sheet": True, "liabilities": True}),
    "2710": (107, "Input VAT", {"balance_sheet": True, "liabilities": True, "vat": True}),
    "3000": (108, "Sales", {"revenue": True}),
    "3001": (109, "Other sales", {"revenue": True}),
    "4300": (110, "Goods for resale", {"cost": True, "cost_of_goods_sold": True}),
    "43001": (111, "Goods, store 1", {"cost": True, "cost_of_goods_sold": True}),
    "5900": (112, "Canteen", {"cost": True, "cost_wages_salaries": True}),
    "6300": (113, "Rent", {"cost": True, "cost_other_operating": True}),
    "6860": (114, "Courses", {"cost": True, "cost_other_operating": True}),
    "7140": (115, "Travel", {"cost": True, "cost_other_operating": True}),
    "7770": (116, "Bank charges", {"cost": True, "cost_other_operating": True}),
    "8060": (117, "Exchange loss", {"finance": True}),
    "ABC": (118, "Suspense", {}),
}

DOCUMENT_TYPES = {"AP": 701, "BA": 611, "ER": 702, "AR": 797, "GL": 703, "OS": 3536}


@dataclass(frozen=True)
class Line:
    account: str
    amount: str
    tax: str = "0"
    company: int | None = None
    text: str = ""
    dimension_1: int | None = None


@dataclass(frozen=True)
class Item:
    """A supplier item: negative for an invoice, positive for a payment or a credit note."""

    supplier: int
    amount: str
    invoice: str | None = None
    match: int = 0
    invoice_date: date | None = None
    due_date: date | None = None
    remaining: str = "0"


@dataclass(frozen=True)
class Voucher:
    number: int
    document_type: str
    posted: date
    lines: tuple[Line, ...]
    items: tuple[Item, ...] = ()
    owner: int = TOP
    note: str = field(default="", compare=False)


VOUCHERS = (
    Voucher(
        1, "AP", date(2024, 1, 10),
        (Line("2400", "-1250"), Line("4300", "800", "200", dimension_1=501), Line("6860", "200", "50"), Line("2710", "250")),
        (Item(11, "-1250", "A-1001", 1, date(2024, 1, 5), date(2024, 2, 4)),),
        note="one invoice, two cost lines",
    ),
    Voucher(
        2, "BA", date(2024, 2, 1),
        (Line("2400", "1250"), Line("7770", "30"), Line("1920", "-1280")),
        (Item(11, "1250", "A-1001", 1),),
        note="payment of voucher 1 with a bank charge",
    ),
    Voucher(
        3, "AP", date(2024, 2, 12),
        (Line("2400", "500"), Line("4300", "-400", "-100"), Line("2710", "-100")),
        (Item(11, "500", "A-1002", 0, date(2024, 2, 10), date(2024, 3, 10)),),
        note="credit note",
    ),
    Voucher(
        4, "AP", date(2024, 3, 1),
        (
            Line("2400", "-300"), Line("2400", "-700"),
            Line("6300", "300", text="Rent, invoice B-77"), Line("4300", "700"),
        ),
        (
            Item(11, "-300", "B-77", 0, date(2024, 2, 28), date(2024, 3, 30)),
            Item(12, "-700", "C-9", 0, date(2024, 2, 29), date(2024, 3, 31)),
        ),
        note="two suppliers: reference in the text, and amount",
    ),
    Voucher(
        5, "AP", date(2024, 3, 2),
        (Line("2400", "-100"), Line("2400", "-100"), Line("2400", "-100"), Line("6860", "200.01"), Line("6300", "99.99")),
        (
            Item(11, "-100", "D-1", 0, date(2024, 3, 1)), Item(12, "-100", "D-2", 0, date(2024, 3, 1)),
            Item(13, "-100", "D-3", 0, date(2024, 3, 1)),
        ),
        note="three suppliers and nothing to tell them apart: pro rata",
    ),
    Voucher(
        6, "ER", date(2024, 4, 1), (Line("7140", "1200"), Line("6860", "300")),
        note="expense report: the employee's own line was not received",
    ),
    Voucher(7, "BA", date(2024, 4, 3), (Line("4300", "90"), Line("1920", "-90")), note="card purchase"),
    Voucher(8, "BA", date(2024, 4, 4), (Line("1920", "5000"), Line("1500", "-5000")), note="customer receipt"),
    Voucher(9, "AR", date(2024, 4, 5), (Line("1500", "5000"), Line("3000", "-4000"), Line("2710", "-1000"))),
    Voucher(
        10, "AP", date(2024, 5, 1), (Line("2400", "-12000"), Line("1710", "12000")),
        (Item(12, "-12000", "R-2024", 0, date(2024, 5, 1), date(2024, 5, 31), "-12000"),),
        note="prepaid rent",
    ),
    Voucher(11, "GL", date(2024, 6, 1), (Line("1710", "-1000"), Line("6300", "1000")), note="release of prepaid rent"),
    Voucher(
        12, "AP", date(2024, 6, 2),
        (Line("2400", "-66"), Line("1899", "11"), Line("1900*", "11"), Line("3000", "11"), Line("3001", "11"),
         Line("43001", "11"), Line("ABC", "11")),
        (Item(13, "-66", "E-5", 0, date(2024, 6, 1)),),
        note="accounts at the ends of the removed range",
    ),
    Voucher(
        13, "AP", date(2024, 6, 3), (Line("2400", "-400", company=21), Line("5900", "400", company=21)),
        (Item(11, "-400", "F-6", 0, date(2024, 6, 2)),), owner=SUBSIDIARY,
        note="canteen, in the subsidiary; the line's company is the supplier's",
    ),
    Voucher(14, "AP", date(2024, 6, 4), (Line("2400", "-75"), Line("6300", "75")), note="supplier item missing"),
    Voucher(
        15, "AP", date(2024, 7, 1),
        (Line("2400", "-1150"), Line("4300", "1150"), Line("8060", "0.01"), Line("2400", "-0.01")),
        (Item(14, "-1150", "EUR-1", 0, date(2024, 6, 30)), Item(14, "-0.01", "EUR-1", 0, date(2024, 6, 30))),
        note="invoice in euro",
    ),
    Voucher(16, "OS", date(2024, 1, 1), (Line("2400", "-10"), Line("4300", "10")), note="opening balance"),
)  # fmt: skip


def fill(raw: RawWarehouse) -> None:
    """Write the whole ledger and its registers."""
    raw.add("owner", *(
        {"owner_db_id": owner, "db_id": owner, "company_db_id": company, "code": code, "description": name,
         "company_number": number, "currency_code": currency}
        for owner, company, code, name, number, currency in (
            (TOP, 20, "10", "Nordhavn AS", "923609016", "NOK"), (SUBSIDIARY, 22, "20", "Nordhavn Drift AS", "974760673", None),
        )
    ))  # fmt: skip
    for code, (account, name, flags) in ACCOUNTS.items():
        raw.add("account", {
            "owner_db_id": TOP, "db_id": account, "chart_of_account_db_id": NORWEGIAN_CHART, "code": code,
            "description": name, "account_group_description": f"Group {code[:2]}", "chart_of_account_name": "NS 4102", **flags,
        })  # fmt: skip
    raw.add("currency", *(
        {"owner_db_id": 0, "db_id": number, "code": code, "description": code} for number, code in ((1, "NOK"), (2, "EUR"))
    ))  # fmt: skip
    raw.add("country", {"owner_db_id": 0, "db_id": 47, "code": "NO", "description": "Norway"})
    raw.add("company", *(
        {"owner_db_id": TOP, "db_id": company, "code": str(company), "description": name, "company_number": number,
         "country": "Norway"}
        for company, name, number in (
            (20, "Nordhavn AS", "923609016"), (21, "Grossisten AS", "910244132"), (22, "Nordhavn Drift AS", "974760673"),
            (23, "Grossisten avd. Vest", "910 244 132 MVA"), (24, "Utan nummer", None),
        )
    ))  # fmt: skip
    raw.add("supplier", *(
        {"owner_db_id": TOP, "db_id": supplier, "company_db_id": company, "code": code, "description": name,
         "modified_at": modified, "address_db_id": 31, "pay_terms_code": "30",
         "pay_terms_description": "30 days", "ledger_type_name": "Supplier"}
        for supplier, company, code, name, modified in (
            (11, 21, "5001", "Grossisten AS", "2024-05-01"), (12, 23, "5002", "Grossisten avd. Vest", "2023-05-01"),
            (13, 24, "5003", "Utan nummer", None), (14, 22, "5004", "Nordhavn Drift AS", None),
        )
    ))  # fmt: skip
    raw.add("subledger", *(
        {"owner_db_id": TOP, "db_id": supplier, "ledger_type_db_id": 3, "ledger_type_name": "Supplier"}
        for supplier in (11, 12, 13, 14)
    ))  # fmt: skip
    raw.add("address", {"owner_db_id": TOP, "db_id": 31, "street_address": "Kaia 1", "zip_code": "0150", "place": "Oslo",
                        "country_db_id": 47, "country_code": "NO"})  # fmt: skip
    raw.add(
        "contact",
        {"owner_db_id": TOP, "db_id": 41, "company_name": "Grossisten AS", "email": "post@grossisten.example"},
    )
    raw.add("system_value", {"owner_db_id": 0, "db_id": 3, "code": "SUPPLIER", "name": "Supplier"})
    raw.add("object", {"owner_db_id": TOP, "db_id": 600, "object_kind_db_id": 30,
                       "object_kind_name": "Cost centre", "code": "CC", "description": "Cost centre",
                       "field_code": "glObject1", "field_name": "Cost centre"})  # fmt: skip
    raw.add(
        "object_value",
        {"owner_db_id": TOP, "db_id": 501, "object_kind_db_id": 30, "code": "100", "description": "Warehouse"},
    )
    raw.add("gl_dimension", {"owner_db_id": TOP, "db_id": 1, "gl_object1_db_id": 501})
    raw.add(
        "recent_transaction",
        {"owner_db_id": TOP, "db_id": 1001, "mutation_type": "ADDED", "feed": "transaction_deltas"},
    )
    for voucher in VOUCHERS:
        _post(raw, voucher)
    raw.add("sync_run", {"run_id": "run-1", "started_at": "2024-08-01 04:00:00", "landed_at": "2024-08-01 04:01:00",
                         "mode": "full", "requests": 40, "retries": 1, "bytes_received": 100000, "bytes_sent": 2000})  # fmt: skip
    raw.add("sync_run_entity", *(
        {"run_id": "run-1", "table_name": table, "rows": rows, "pages": 1} for table, rows in (("transaction", 40), ("supplier", 4))
    ))  # fmt: skip
    raw.add("payroll_exclusion", *(
        {"run_id": "run-1", "root": root, "rule": "type", "excluded_ids": 3, "ids_sha256": "0" * 64, "rows_seen": 43,
         "rows_received": 40, "rows_excluded": 3} for root in ("transactions", "apTransactions")
    ))  # fmt: skip
    raw.add(
        "_dlt_loads", {"load_id": "1", "schema_name": "xledger", "status": 0, "inserted_at": "2024-08-01 04:01:00+00"}
    )


def _post(raw: RawWarehouse, voucher: Voucher) -> None:
    header = 9000 + voucher.number
    in_euro = any(item.supplier == 14 for item in voucher.items)
    raw.add("transaction_header", {
        "owner_db_id": voucher.owner, "db_id": header, "transaction_number": voucher.number,
        "transaction_source_db_id": DOCUMENT_TYPES[voucher.document_type], "transaction_source_code": voucher.document_type,
        "transaction_source_description": voucher.document_type, "fiscal_year": voucher.posted.year,
        "posted_date": voucher.posted, "modified_at": voucher.posted,
    })  # fmt: skip
    for position, line in enumerate(voucher.lines, 1):
        raw.add("transaction", {
            "owner_db_id": voucher.owner, "db_id": voucher.number * 100 + position, "header_db_id": header,
            "account_db_id": ACCOUNTS[line.account][0], "company_db_id": line.company, "currency_db_id": 2 if in_euro else 1,
            "gl_object1_db_id": line.dimension_1, "match_id": 0, "period_id": voucher.posted.month,
            "period_number": voucher.posted.month, "text": line.text or f"Voucher {voucher.number}",
            "amount": line.amount, "tax_amount": line.tax,
            "invoice_amount": "100" if in_euro else line.amount,
        })  # fmt: skip
    for position, item in enumerate(voucher.items, 1):
        raw.add("ap_transaction", {
            "owner_db_id": voucher.owner, "db_id": voucher.number * 100 + position, "transaction_header_db_id": header,
            "subledger_db_id": item.supplier, "match_id": item.match, "account_db_id": ACCOUNTS["2400"][0],
            "header_transaction_source_db_id": DOCUMENT_TYPES[voucher.document_type],
            "transaction_header_transaction_source_code": voucher.document_type, "currency_db_id": 1,
            "ledger_type_name": "Supplier", "invoice_number": item.invoice, "amount": item.amount,
            "invoice_amount": item.amount, "invoice_remaining": item.remaining,
            "invoice_date": item.invoice_date, "due_date": item.due_date,
        })  # fmt: skip
