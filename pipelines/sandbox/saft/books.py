"""From the records of a SAF-T file to vouchers of the sandbox's own model. What the file lacks stays null."""

from __future__ import annotations

import random
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path

import duckdb

from pipelines.sandbox.ledger.books import Books
from pipelines.sandbox.ledger.deltas import write_deltas
from pipelines.sandbox.ledger.group import TOP, Group
from pipelines.sandbox.ledger.masters import NS4102, DimensionKind, DimensionValue, Masters
from pipelines.sandbox.ledger.model import Item, Line, Match, Party, Role, Subledger, Voucher
from pipelines.sandbox.ledger.writing import insert, number_vouchers, write_ledger
from pipelines.sandbox.saft import document_types
from pipelines.sandbox.saft.stream import Element, SaftError, records
from pipelines.sandbox.tables import create_tables_sql

_VERSIONS = ("1.10", "1.20", "1.30")
_FIRST_PARTY, _FIRST_SUBLEDGER, _FIRST_DIMENSION = 109_000_001, 4_100_001, 720_001
_DIMENSIONS = 5
# The standard's codes of analysis types, where Xledger has an object kind for the same; others are numbered on from the last.
_OBJECT_KINDS = {"A": 30, "P": 31}
_FIRST_KIND = 1_000


def read_saft(path: Path, ledger_path: Path) -> None:
    """Read the file into a ledger of the sandbox's tables.

    Raises:
        SaftError: the file is malformed, foreign, or does not hang together; the message tells the line.
    """
    reading = _Reading()
    for record in records(path):
        reading.take(record)
    reading.finish()
    books, masters = reading.books, reading.masters()
    number_vouchers(books, large_ids=False)
    with duckdb.connect(str(ledger_path)) as ledger:
        ledger.execute(create_tables_sql())
        newest = max((voucher.created for voucher in books.vouchers if voucher.created), default=datetime.now())
        ledger.execute('insert into "Clock" values (?)', [datetime.combine(newest.date(), time(23, 59))])
        for type_name, rows in masters.rows():
            insert(ledger, type_name, rows)
        write_ledger(ledger, books, masters)
        write_deltas(ledger)


class _Reading:
    def __init__(self) -> None:
        self.books = Books(Group(), random.Random(0))  # noqa: S311
        self._accounts: dict[str, tuple[str, str, str]] = {}
        self._subledgers: dict[tuple[str, str], Subledger] = {}
        self._control_accounts: dict[str, str] = {}
        self._tax_rules: dict[str, str] = {}
        self._dimension_kinds: dict[str, DimensionKind] = {}
        self._dimension_values: dict[tuple[str, str], DimensionValue] = {}
        self._matches: dict[tuple[str, str], Match] = {}
        self._currency = "NOK"

    def take(self, record: Element) -> None:
        if record.tag == "Header":
            self._header(record)
        elif not self.books.group.owners:
            raise SaftError(record.line, "the file has no Header before this")
        elif record.tag == "Account":
            self._account(record)
        elif record.tag in ("Customer", "Supplier"):
            self._subledger(record)
        elif record.tag == "TaxCodeDetails":
            self._tax_rules.setdefault(record.need("TaxCode"), record.get("Description") or "")
        elif record.tag == "AnalysisTypeTableEntry":
            self._dimension(record)
        else:
            self._transaction(record)

    def finish(self) -> None:
        """What is left open of each invoice, once all payments are known."""
        if not self.books.group.owners:
            raise SaftError(1, "the file has no Header")
        settled: dict[Match, int] = {}
        items = [item for voucher in self.books.vouchers for item in voucher.items]
        for item in items:
            settled[item.match] = settled.get(item.match, 0) + item.amount
        for item in items:
            item.remaining = settled.pop(item.match, 0) if item.kind == "INVOICE" else 0

    def masters(self) -> Masters:
        """The registers of the file."""
        return Masters(
            self.books.group,
            charts={NS4102: tuple(self._accounts.values())},
            dimension_kinds=tuple(self._dimension_kinds.values()),
            dimension_values=tuple(self._dimension_values.values()),
            tax_rules=self._tax_rules,
            home_currency=self._currency,
            years=sorted({voucher.posted.year for voucher in self.books.vouchers}),
            is_invented=False,
        )

    def _header(self, header: Element) -> None:
        version = header.need("AuditFileVersion")
        if version not in _VERSIONS:
            raise SaftError(header.line, f"version {version} is not supported; {', '.join(_VERSIONS)} are")
        if header.need("AuditFileCountry") != "NO":
            raise SaftError(header.line, "the file is not Norwegian")
        self._currency = header.get("DefaultCurrencyCode") or "NOK"
        number = (header.get("Company/RegistrationNumber") or "").removeprefix("NO").removesuffix("MVA")
        group = self.books.group
        group.owners[TOP] = Party(_FIRST_PARTY, header.need("Company/Name"), number or None, "NO")
        group.suppliers[TOP], group.customers[TOP], group.employees[TOP] = [], [], []

    def _account(self, account: Element) -> None:
        code = account.need("AccountID")
        standard = account.get("StandardAccountID") or account.get("GroupingCode") or ""
        digits = standard if standard[:2].isdigit() else code
        self._accounts[code] = (code, account.get("AccountDescription") or "", _kind(digits))

    def _subledger(self, record: Element) -> None:
        is_supplier = record.tag == "Supplier"
        number = record.need(f"{record.tag}ID")
        party = Party(
            _FIRST_PARTY + len(self._subledgers) + 1,
            record.need("Name"),
            record.get("RegistrationNumber"),
            record.get("Address/Country") or "NO",
        )
        bank = record.get("BankAccount/BankAccountNumber") or record.get("BankAccount/IBANNumber") or ""
        subledger = Subledger(
            _FIRST_SUBLEDGER + len(self._subledgers),
            TOP,
            "SUPPLIER" if is_supplier else "CUSTOMER",
            number,
            party,
            bank_account=bank,
        )
        self._subledgers[record.tag, number] = subledger
        control = record.get("AccountID") or record.get("BalanceAccountStructure/AccountID")
        if is_supplier and control:
            self._control_accounts[number] = control
        group = self.books.group
        (group.suppliers if is_supplier else group.customers)[TOP].append(subledger)

    def _dimension(self, entry: Element) -> None:
        kind, code = entry.need("AnalysisType"), entry.need("AnalysisID")
        name = entry.get("AnalysisTypeDescription") or kind
        object_kind, *_ = self._dimension_kinds.setdefault(
            kind, (_OBJECT_KINDS.get(kind, _FIRST_KIND + len(self._dimension_kinds)), name, name)
        )
        number = _FIRST_DIMENSION + len(self._dimension_values)
        text = entry.get("AnalysisIDDescription") or code
        self._dimension_values.setdefault((kind, code), (number, TOP, object_kind, code, text))

    def _transaction(self, transaction: Element) -> None:
        posted = _date(transaction, "TransactionDate", required=True)
        assert posted is not None  # noqa: S101
        text = transaction.get("Description") or ""
        voucher = Voucher(TOP, "", posted, text)
        for record in transaction.all("Line") or transaction.all("Lines"):
            self._line(voucher, record, transaction)
        if sum(line.amount for line in voucher.lines):
            raise SaftError(transaction.line, f"transaction {transaction.get('TransactionID')} does not add up to zero")
        journal = transaction.parent
        names = (
            " ".join(filter(None, (journal.get(tag) for tag in ("Type", "JournalID", "Description"))))
            if journal
            else ""
        )
        voucher.document_type = document_types.of_journal(names) or document_types.of_voucher(
            [line.account or "" for line in voucher.lines],
            credits_supplier=any(item.amount < 0 for item in voucher.items),
        )
        for item in voucher.items:
            item.kind = _item_kind(item, voucher.document_type)
        registered = _date(transaction, "SystemEntryDate") or posted
        voucher.created = datetime.combine(registered, time(12))
        self.books.post(voucher)

    def _line(self, voucher: Voucher, record: Element, transaction: Element) -> None:
        account = record.need("AccountID")
        if account not in self._accounts:
            raise SaftError(record.line, f"account {account} is not in the file's chart of accounts")
        side, sign = ("DebitAmount", 1) if record.find("DebitAmount") else ("CreditAmount", -1)
        amount = sign * _money(record, f"{side}/Amount", required=True)
        currency = record.get(f"{side}/CurrencyCode")
        is_foreign = currency not in (None, self._currency)
        supplier = self._party_of("Supplier", record, transaction, account)
        customer = self._party_of("Customer", record, transaction, account)
        party = supplier or customer
        line = Line(
            account,
            amount,
            Role.COST,
            record.get("Description") or transaction.get("Description"),
            tax=self._tax(record, account, sign),
            tax_code=self._tax_code(record),
            company=party.party if party else None,
            currency=currency if is_foreign else None,
            currency_amount=sign * _money(record, f"{side}/CurrencyAmount") if is_foreign else None,
            dimensions=self._dimensions(record),
        )
        voucher.lines.append(line)
        if supplier is not None and self._is_control(account, supplier):
            item = self._item(voucher, record, line, supplier)
            line.match = item.match
            voucher.items.append(item)

    def _item(self, voucher: Voucher, record: Element, line: Line, supplier: Subledger) -> Item:
        number = record.get("ReferenceNumber") or record.get("SourceDocumentID") or record.get("CrossReference")
        match = self._matches.setdefault((supplier.code, number), Match()) if number else Match()
        return Item(
            supplier,
            line.amount,
            "",
            match,
            number,
            _date(record, "ValueDate") or voucher.posted,
            _date(record, "DueDate"),
            currency=line.currency,
            currency_amount=line.currency_amount,
            text=line.text,
            reference=record.get("CID"),
        )

    def _party_of(self, kind: str, record: Element, transaction: Element, account: str) -> Subledger | None:
        number = record.get(f"{kind}ID")
        if number is None:
            number = transaction.get(f"{kind}ID")
            if number is None or (kind == "Supplier" and self._control_accounts.get(number) != account):
                return None
        if (kind, number) not in self._subledgers:
            raise SaftError(record.line, f"{kind.lower()} {number} is not in the file's register")
        return self._subledgers[kind, number]

    def _is_control(self, account: str, supplier: Subledger) -> bool:
        return account == self._control_accounts.get(supplier.code, account if account.startswith("24") else "")

    def _tax_code(self, record: Element) -> str | None:
        code = record.get("TaxInformation/TaxCode")
        if code:
            self._tax_rules.setdefault(code, "")
        return code

    def _tax(self, record: Element, account: str, sign: int) -> int:
        """Tax of a cost or income line; the lines of the tax accounts hold it as their amount already."""
        if account.startswith("27"):
            return 0
        paths = [f"TaxInformation/{name}/Amount" for name in ("TaxAmount", "DebitTaxAmount", "CreditTaxAmount")]
        return next((sign * abs(_money(record, path)) for path in paths if record.find(path)), 0)

    def _dimensions(self, record: Element) -> tuple[int | None, ...]:
        found: dict[str, int] = {}
        for analysis in record.all("Analysis"):
            key = (analysis.need("AnalysisType"), analysis.need("AnalysisID"))
            if key not in self._dimension_values:
                raise SaftError(analysis.line, f"analysis {key[0]} {key[1]} is not in the file's table")
            found[key[0]] = self._dimension_values[key][0]
        kinds = [*self._dimension_kinds, *[""] * _DIMENSIONS][:_DIMENSIONS]
        return tuple(found.get(kind) for kind in kinds)


def _kind(digits: str) -> str:
    """What an account is by its number in the Norwegian standard chart."""
    first, two = digits[:1], digits[:2]
    if first == "2":
        return {"20": "equity", "27": "vat"}.get(two, "debt")
    if two == "60":
        return "depreciation"
    return {"1": "asset", "3": "revenue", "4": "goods", "5": "wages", "8": "finance"}.get(first, "other")


def _item_kind(item: Item, document_type: str) -> str:
    if item.amount < 0:
        return "INVOICE"
    return "CREDIT_MEMO" if document_type == "AP" else "ELECTRONIC_PAYMENT"


def _money(record: Element, path: str, *, required: bool = False) -> int:
    text = record.need(path) if required else record.get(path) or "0"
    try:
        oere = Decimal(text) * 100
    except InvalidOperation:
        raise SaftError(record.line, f"'{text}' is not an amount") from None
    if oere != int(oere):
        raise SaftError(record.line, f"{text} is no whole number of øre")
    return int(oere)


def _date(record: Element, path: str, *, required: bool = False) -> date | None:
    text = record.need(path) if required else record.get(path)
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise SaftError(record.line, f"'{text}' is not a date") from None
