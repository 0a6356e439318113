"""Numbers the vouchers in the order they were registered and writes them as the API's tables, and the truth beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.sandbox.ledger.books import Books, hash_of, payables_of
from pipelines.sandbox.ledger.group import SWEDEN
from pipelines.sandbox.ledger.masters import DOCUMENT_TYPES, Masters, currency_id, period_id
from pipelines.sandbox.ledger.model import SPEND_TYPES, Item, Line, Match, Voucher
from pipelines.sandbox.tables import columns

_FIRST_LINE, _FIRST_HEADER, _FIRST_ITEM, _FIRST_MATCH = 8_100_000_000, 4_500_000_000, 298_000_000, 1_000_001
_LARGE = 2**53
_OUT_OF_SCOPE, _BY_RANGE, _BY_GUARD, _PAY = "document_type", "account_range", "account_guard", "payroll"


@dataclass(frozen=True)
class Spans:
    """How far the ids of one block reach: the distance from a row to its copy."""

    first_line: int
    lines: int
    headers: int
    items: int
    matches: int


def number_vouchers(books: Books, *, large_ids: bool) -> Spans:
    """Sort the vouchers by the moment they were registered and give every object its id."""
    shift = _LARGE if large_ids else 0
    books.vouchers.sort(key=lambda voucher: (voucher.created, voucher.owner, voucher.text))
    lines, headers = count(_FIRST_LINE + shift + 1), count(_FIRST_HEADER + shift + 1, 3)
    items, matches = count(_FIRST_ITEM + 1), count(_FIRST_MATCH)
    per_year: dict[tuple[int, int], int] = {}
    for voucher in books.vouchers:
        year = (voucher.owner, voucher.posted.year)
        per_year[year] = voucher.number = per_year.get(year, 0) + 1
        voucher.db_id = next(headers)
        for line in voucher.lines:
            line.db_id = next(lines)
        for item in (*voucher.items, *voucher.customer_items):
            item.db_id = next(items)
        for match in voucher.matches():
            match.db_id = match.db_id or next(matches)
        voucher.settle_truth()
    first_line, first_header = _FIRST_LINE + shift, _FIRST_HEADER + shift
    return Spans(
        first_line,
        next(lines) - first_line,
        next(headers) - first_header,
        next(items) - _FIRST_ITEM,
        next(matches) - _FIRST_MATCH,
    )


def write_ledger(ledger: duckdb.DuckDBPyConnection, books: Books, masters: Masters) -> None:
    """Headers, lines and items as the API shows them."""
    settled = _shared_matches(books.vouchers)
    insert(ledger, "TransactionHeader", [_header(voucher) for voucher in books.vouchers])
    insert(
        ledger,
        "Transaction",
        [
            _line(voucher, line, position, masters, settled)
            for voucher in books.vouchers
            for position, line in enumerate(voucher.lines, start=1)
        ],
    )
    insert(
        ledger,
        "APTransaction",
        [_item(voucher, item, masters, settled) for voucher in books.vouchers for item in voucher.items],
    )
    insert(
        ledger,
        "ARTransaction",
        [_item(voucher, item, masters, settled) for voucher in books.vouchers for item in voucher.customer_items],
    )
    insert(ledger, "File", [{"dbId": voucher.db_id, "url": f"file/{voucher.db_id}.pdf"} for voucher in books.vouchers])


def write_truth(truth: duckdb.DuckDBPyConnection, books: Books, masters: Masters) -> None:
    """What the generator meant: one row for each line and item, and everything that must never be seen."""
    truth.execute(_TRUTH_TABLES)
    vouchers = books.vouchers
    _insert(truth, "line", [_true_line(voucher, line, masters) for voucher in vouchers for line in voucher.lines])
    _insert(truth, "ap", [_true_item(voucher, item) for voucher in vouchers for item in voucher.items])
    _insert(
        truth,
        "split",
        [
            {
                "owner_db_id": voucher.owner,
                "db_id": line.db_id,
                "supplier_db_id": supplier.db_id,
                "supplier_name": supplier.name,
                "amount": part,
            }
            for voucher in vouchers
            for line in voucher.lines
            for supplier, part in line.parts.items()
        ],
    )
    _insert(truth, "canary", [{"kind": kind, "value": value} for kind, value in sorted(_canaries(books, masters))])


def insert(connection: duckdb.DuckDBPyConnection, type_name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Add rows to an API table; money comes in øre."""
    _insert(connection, f'"{type_name}"', rows, columns(type_name))


def _insert(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    rows: Sequence[dict[str, Any]],
    types: dict[str, str] | None = None,
) -> None:
    if not rows:
        return
    kinds = types or dict(connection.execute(f"select column_name, column_type from (describe {table})").fetchall())
    names = list(dict.fromkeys(name for row in rows for name in row))
    staged = pa.table({name: _array([row.get(name) for row in rows]) for name in names})
    selected = ", ".join(
        f'("{name}"::BIGINT * 0.01)::{kinds[name]} as "{name}"' if kinds[name].startswith("DECIMAL") else f'"{name}"'
        for name in names
    )
    connection.register("staged", staged)
    connection.execute(f"insert into {table} by name select {selected} from staged")
    connection.unregister("staged")


def _array(values: list[Any]) -> pa.Array:
    return pa.nulls(len(values), pa.int64()) if all(value is None for value in values) else pa.array(values)


def _header(voucher: Voucher) -> dict[str, Any]:
    assert voucher.created is not None  # noqa: S101
    return {
        "dbId": voucher.db_id,
        "transactionNumber": voucher.number,
        "trRegNumber": voucher.number + 500_000,
        "text": voucher.text,
        "postedDate": voucher.posted,
        "createdAt": voucher.created,
        "modifiedAt": voucher.created,
        "registeredAt": voucher.created,
        "archive": False,
        "fiscalYear": voucher.posted.year,
        "ownerDbId": voucher.owner,
        "periodDbId": period_id(voucher.posted),
        "transactionSourceDbId": _document_type(voucher),
        "invoiceFileDbId": voucher.db_id if voucher.items else None,
        "userDbId": 900_001 + voucher.owner % 5,
    }


def _document_type(voucher: Voucher) -> int | None:
    return None if voucher.is_headless or voucher.is_untyped else DOCUMENT_TYPES[voucher.document_type][0]


def _line(voucher: Voucher, line: Line, position: int, masters: Masters, settled: set[Match]) -> dict[str, Any]:
    currency_amount = line.amount if line.currency_amount is None else line.currency_amount
    dimensions = masters.dimensions(voucher.owner, line)
    return {
        "dbId": line.db_id,
        "text": line.text,
        "amount": line.amount,
        "invoiceAmount": currency_amount,
        "taxAmount": line.tax,
        "ownerDbId": voucher.owner,
        "accountDbId": masters.account_id(voucher.owner, line.account) if line.account else None,
        "companyDbId": line.company.db_id if line.company else None,
        **{f"glObject{number}DbId": value for number, value in enumerate(dimensions, start=1)},
        "glDimensionDbId": hash_of(repr(dimensions)) % 2**40 if any(dimensions) else None,
        "matchId": _match_id(line.match, settled),
        "periodId": period_id(voucher.posted),
        "monthNumber": voucher.posted.month,
        "periodNumber": voucher.posted.month,
        "positionNumber": position,
        "reconciled": False,
        "currencyDbId": currency_id(line.currency or masters.company_currency(voucher.owner)),
        "headerDbId": None if voucher.is_headless else voucher.db_id,
        "taxRuleDbId": masters.tax_rule_id(line.tax_code) if line.tax_code else None,
        "headerTransactionSourceDbId": _document_type(voucher),
    }


def _item(voucher: Voucher, item: Item, masters: Masters, settled: set[Match]) -> dict[str, Any]:
    currency_amount = item.amount if item.currency_amount is None else item.currency_amount
    is_open = bool(item.remaining)
    rate = item.amount / currency_amount if item.currency and currency_amount else 1.0
    return {
        "dbId": item.db_id,
        "invoiceNumber": item.invoice_number,
        "text": item.text,
        "amount": item.amount,
        "invoiceAmount": currency_amount,
        "invoiceRemaining": item.remaining,
        "exchangeRate": round(rate, 6),
        "invoiceDate": item.invoice_date,
        "dueDate": item.due_date,
        "paymentDate": item.paid_on,
        "lastPaymentDate": item.paid_on,
        "headerCreatedAt": voucher.created,
        "headerModifiedAt": voucher.created,
        "headerTransactionSourceDbId": _document_type(voucher),
        "ownerDbId": voucher.owner,
        "subledgerDbId": item.subledger.db_id,
        "matchId": _match_id(item.match, settled),
        "bankAccount": item.subledger.bank_account or None,
        "extIdentifier": None,
        "paymentReference": item.reference,
        "reconciled": False,
        "accountDbId": masters.account_id(voucher.owner, _control_account(voucher.owner, item)),
        "companyDbId": item.subledger.party.db_id if item.subledger.has_company else None,
        "currencyDbId": currency_id(item.currency or masters.company_currency(voucher.owner)),
        "ledgerTypeDbId": masters.system_value("ledgerType", item.subledger.ledger),
        "paymentStatusDbId": masters.system_value("paymentStatus", "OPEN" if is_open else "PAID"),
        "slTransactionTypeDbId": masters.system_value("slTransactionType", item.kind),
        "periodDbId": period_id(voucher.posted),
        "transactionHeaderDbId": None if voucher.is_headless else voucher.db_id,
        "invoiceFileDbId": voucher.db_id,
    }


def _control_account(owner: int, item: Item) -> str:
    if item.subledger.ledger == "CUSTOMER":
        return "1510" if owner == SWEDEN else "1500"
    return payables_of(owner)


def _shared_matches(vouchers: Iterable[Voucher]) -> set[Match]:
    """Match groups with at least two items or lines of different vouchers: all others are unmatched."""
    first_seen: dict[Match, int] = {}
    shared: set[Match] = set()
    for voucher in vouchers:
        for match in voucher.matches():
            if first_seen.setdefault(match, voucher.db_id) != voucher.db_id:
                shared.add(match)
    return shared


def _match_id(match: Match | None, settled: set[Match]) -> int:
    return match.db_id if match is not None and match in settled else 0


def _true_line(voucher: Voucher, line: Line, masters: Masters) -> dict[str, Any]:
    rule = voucher.payroll_rule(line)
    in_scope = voucher.document_type in SPEND_TYPES
    literal = rule is None and in_scope and line.role.literal
    guarded = literal and line.role.guarded
    reason = (
        None if guarded else _PAY if rule else _OUT_OF_SCOPE if not in_scope else _BY_GUARD if literal else _BY_RANGE
    )
    supplier = line.supplier
    invoice_date = voucher.invoice_date
    return {
        "owner_db_id": voucher.owner,
        "db_id": line.db_id,
        "header_db_id": voucher.db_id,
        "document_type": voucher.document_type,
        "account_code": line.account,
        "chart": masters.chart(voucher.owner),
        "amount": line.amount,
        "is_payroll": rule is not None,
        "payroll_rule": rule,
        "exclusion_reason": reason,
        "is_spend_literal": literal,
        "is_spend_guarded": guarded,
        "supplier_db_id": supplier.db_id if supplier else None,
        "supplier_name": supplier.name if supplier else None,
        "supplier_org_number": supplier.party.number if supplier and supplier.has_company else None,
        "attribution": line.attribution if literal else None,
        "category": masters.category(voucher.owner, line.account),
        "posted_date": voucher.posted,
        "invoice_date": invoice_date,
        "spend_date": invoice_date if voucher.document_type == "AP" and invoice_date else voucher.posted,
        "case_label": voucher.case,
    }


def _true_item(voucher: Voucher, item: Item) -> dict[str, Any]:
    rule = voucher.item_payroll_rule(item)
    return {
        "owner_db_id": voucher.owner,
        "db_id": item.db_id,
        "header_db_id": voucher.db_id,
        "document_type": voucher.document_type,
        "subledger_db_id": item.subledger.db_id,
        "supplier_name": item.subledger.name if item.subledger.ledger == "SUPPLIER" else None,
        "kind": item.kind,
        "amount": item.amount,
        "remaining": item.remaining,
        "is_payroll": rule is not None,
        "payroll_rule": rule,
        "case_label": voucher.case,
    }


def _canaries(books: Books, masters: Masters) -> set[tuple[str, str]]:
    """Texts, names and amounts that may never be seen, less those that ordinary rows carry too."""
    seen_texts: set[str] = set()
    seen_amounts: set[int] = set()
    texts: set[str] = set()
    amounts: set[int] = set()
    for voucher in books.vouchers:
        rules = [voucher.payroll_rule(line) for line in voucher.lines]
        (texts.add if any(rules) else seen_texts.add)(voucher.text)
        for line, rule in zip(voucher.lines, rules, strict=True):
            if rule:
                texts |= {line.text} if line.text else set()
                amounts |= {abs(line.amount), abs(line.tax)}
            else:
                seen_texts |= {line.text} if line.text else set()
                seen_amounts |= {abs(line.amount), abs(line.tax), abs(line.currency_amount or 0)}
        for item in voucher.items:
            told = {text for text in (item.text, item.invoice_number, item.reference) if text}
            if voucher.item_payroll_rule(item):
                texts |= told
                amounts.add(abs(item.amount))
            else:
                seen_texts |= told
                seen_amounts |= {abs(item.amount), abs(item.currency_amount or 0), abs(item.remaining)}
    plain = "\n".join(_decimal(amount) for amount in sorted(seen_amounts))
    found = {("text", text) for text in texts - seen_texts}
    unseen = (_decimal(amount) for amount in amounts - seen_amounts)
    found |= {("amount", amount) for amount in unseen if len(amount) > 6 and amount not in plain}
    return found | masters.personal_canaries()


def _decimal(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"


_TRUTH_TABLES = """

create table line (
    owner_db_id BIGINT, db_id BIGINT, header_db_id BIGINT, document_type VARCHAR, account_code VARCHAR, chart BIGINT,
    amount DECIMAL(18,2), is_payroll BOOLEAN, payroll_rule VARCHAR, exclusion_reason VARCHAR, is_spend_literal BOOLEAN,
    is_spend_guarded BOOLEAN, supplier_db_id BIGINT, supplier_name VARCHAR, supplier_org_number VARCHAR, attribution VARCHAR,
    category VARCHAR, posted_date DATE, invoice_date DATE, spend_date DATE, case_label VARCHAR
);
create table ap (
    owner_db_id BIGINT, db_id BIGINT, header_db_id BIGINT, document_type VARCHAR, subledger_db_id BIGINT, supplier_name VARCHAR,
    kind VARCHAR, amount DECIMAL(18,2), remaining DECIMAL(18,2), is_payroll BOOLEAN, payroll_rule VARCHAR, case_label VARCHAR
);
create table split (
    owner_db_id BIGINT, db_id BIGINT, supplier_db_id BIGINT, supplier_name VARCHAR, amount DECIMAL(18,2)
);
create table canary (kind VARCHAR, value VARCHAR);
"""
