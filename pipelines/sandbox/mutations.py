"""What can happen to a ledger while it is read: vouchers posted, changed, re-typed and deleted, suppliers renamed, the clock moved.

A mutation is a JSON object with one key, its name:
  post            owner, document_type, lines [account, amount, text, supplier, match],
                  items [supplier, amount, invoice_number, match]
  change          header, lines [line, and what becomes different: amount, text, account]
  extend          header, lines [account, amount, text, supplier, match]: more lines in a voucher
  retype          header, document_type
  delete          header
  rename_supplier supplier, name
  move_clock      seconds, or to (a moment)
  random          seed, count: so many of the above, drawn from what is there
Amounts are text with a point; suppliers, headers, lines and match groups are dbIds. Every mutation shows in the change feeds.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import duckdb

_FEEDS = {"Transaction": "TransactionDelta", "APTransaction": "APTransactionDelta", "Supplier": "SupplierDelta"}
_COUNTED = {
    "header": ("TransactionHeader", "dbId"),
    "line": ("Transaction", "dbId"),
    "item": ("APTransaction", "dbId"),
    **{feed: (feed, "position") for feed in _FEEDS.values()},
}
_RANDOM_KINDS = ("copy", "copy", "change", "retype", "delete", "rename_supplier")


class Mutations:
    """Changes the ledger, one batch at a time, each batch in one transaction."""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self._ledger = database.cursor()
        self._lock = threading.Lock()
        # How far `move_clock` has moved the ledger's clock: the server's own goes with it.
        self.clock_moved_by = timedelta()
        # Ids are never given out twice, not even after the newest row is deleted.
        self._highest: dict[str, int] = {
            name: self._value(f'select coalesce(max("{column}"), 0) from "{table}"')
            for name, (table, column) in _COUNTED.items()
        }
        self._actions = {
            "post": self._post,
            "change": self._change,
            "extend": self._extend,
            "retype": self._retype,
            "delete": self._delete,
            "rename_supplier": self._rename_supplier,
            "move_clock": self._move_clock,
            "random": self._random,
        }

    def apply(self, mutations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Apply a batch: all of it, or nothing. Returns the ids of what was made, one object for each mutation.

        Raises:
            ValueError: a mutation that cannot be done.
        """
        with self._lock:
            self._ledger.execute("begin")
            try:
                done = [self._one(mutation) for mutation in mutations]
            except (KeyError, TypeError, duckdb.Error) as problem:
                self._ledger.execute("rollback")
                raise ValueError(f"mutation refused: {problem!r}") from None
            except ValueError:
                self._ledger.execute("rollback")
                raise
            self._ledger.execute("commit")
            return done

    def _one(self, mutation: Mapping[str, Any]) -> dict[str, Any]:
        ((name, details),) = mutation.items()
        if name not in self._actions:
            raise ValueError(f"no mutation is called '{name}'; there are {', '.join(self._actions)}")
        if name not in ("move_clock", "random"):
            self._tick()
        return self._actions[name](details)

    def _post(self, details: Mapping[str, Any]) -> dict[str, Any]:
        lines, items = details["lines"], details.get("items", ())
        if sum(Decimal(line["amount"]) for line in lines):
            raise ValueError("a voucher must add up to zero")
        owner, source, header = details["owner"], self._source(details["document_type"]), self._next("header")
        posted = details.get("posted") or str(self._value('select "now"::date from "Clock"'))
        self._ledger.execute(
            """
            insert into "TransactionHeader" by name
            select $header as "dbId", $owner as "ownerDbId", $text as "text", $posted::date as "postedDate",
                (select coalesce(max("transactionNumber"), 0) + 1 from "TransactionHeader"
                 where "ownerDbId" = $owner and "fiscalYear" = year($posted::date)) as "transactionNumber",
                "now" as "createdAt", "now" as "modifiedAt", "now" as "registeredAt", year($posted::date) as "fiscalYear",
                year($posted::date) * 100 + month($posted::date) as "periodDbId", $source as "transactionSourceDbId"
            from "Clock"
            """,
            {"header": header, "owner": owner, "text": details.get("text"), "posted": posted, "source": source},
        )
        line_ids = [self._post_line(header, owner, source, posted, place, line) for place, line in enumerate(lines, 1)]
        item_ids = [self._post_item(header, owner, source, posted, item) for item in items]
        self._tell("Transaction", "ADDED", line_ids, owner)
        self._tell("APTransaction", "ADDED", item_ids, owner)
        return {"header": header, "lines": line_ids, "items": item_ids}

    def _post_line(self, header: int, owner: int, source: int, posted: str, place: int, line: Mapping[str, Any]) -> int:
        number = self._next("line")
        self._ledger.execute(
            """
            insert into "Transaction" by name
            select $number as "dbId", $header as "headerDbId", $owner as "ownerDbId", $source as "headerTransactionSourceDbId",
                $account as "accountDbId", $amount::decimal(18,2) as "amount", $amount::decimal(18,2) as "invoiceAmount",
                $tax::decimal(18,2) as "taxAmount", $text as "text", $match as "matchId", $place as "positionNumber",
                year($posted::date) * 100 + month($posted::date) as "periodId", month($posted::date) as "monthNumber",
                month($posted::date) as "periodNumber", false as "reconciled",
                (select "currencyDbId" from "Entity" where "ownerDbId" = $owner) as "currencyDbId",
                (select "companyDbId" from "Subledger" where "dbId" = $supplier) as "companyDbId"
            """,
            {
                "number": number,
                "header": header,
                "owner": owner,
                "source": source,
                "account": self._account(owner, line["account"]),
                "amount": line["amount"],
                "tax": line.get("tax", "0"),
                "text": line.get("text"),
                "match": line.get("match", 0),
                "place": place,
                "posted": posted,
                "supplier": line.get("supplier"),
            },
        )
        return number

    def _post_item(self, header: int, owner: int, source: int, posted: str, item: Mapping[str, Any]) -> int:
        number = self._next("item")
        self._ledger.execute(
            """
            insert into "APTransaction" by name
            select $number as "dbId", $header as "transactionHeaderDbId", $owner as "ownerDbId",
                $source as "headerTransactionSourceDbId", subledger."dbId" as "subledgerDbId",
                subledger."ledgerTypeDbId" as "ledgerTypeDbId", subledger."companyDbId" as "companyDbId",
                $amount::decimal(18,2) as "amount", $amount::decimal(18,2) as "invoiceAmount",
                $amount::decimal(18,2) as "invoiceRemaining", 1.0 as "exchangeRate", $match as "matchId",
                $invoice_number as "invoiceNumber", $posted::date as "invoiceDate", $posted::date + 30 as "dueDate",
                $text as "text", clock."now" as "headerCreatedAt", clock."now" as "headerModifiedAt",
                year($posted::date) * 100 + month($posted::date) as "periodDbId", false as "reconciled",
                (select "currencyDbId" from "Entity" where "ownerDbId" = $owner) as "currencyDbId",
                (select "dbId" from "SystemValue" where "name" = 'INVOICE') as "slTransactionTypeDbId",
                (select "dbId" from "SystemValue" where "name" = 'OPEN') as "paymentStatusDbId"
            from "Subledger" as subledger, "Clock" as clock where subledger."dbId" = $supplier
            """,
            {
                "number": number,
                "header": header,
                "owner": owner,
                "source": source,
                "supplier": item["supplier"],
                "amount": item["amount"],
                "match": item.get("match", 0),
                "invoice_number": item.get("invoice_number"),
                "text": item.get("text"),
                "posted": posted,
            },
        )
        return number

    def _change(self, details: Mapping[str, Any]) -> dict[str, Any]:
        header = details["header"]
        owner = self._owner(header)
        for line in details.get("lines", ()):
            for name, value in line.items():
                if name == "amount":
                    changed = '"amount" = $value::decimal(18,2), "invoiceAmount" = $value::decimal(18,2)'
                elif name == "account":
                    changed, value = '"accountDbId" = $value', self._account(owner, value)
                elif name == "text":
                    changed = '"text" = $value'
                else:
                    continue
                values = {"value": value, "line": line["line"], "header": header}
                self._ledger.execute(
                    f'update "Transaction" set {changed} where "dbId" = $line and "headerDbId" = $header', values
                )
        if self._value('select coalesce(sum("amount"), 0) from "Transaction" where "headerDbId" = ?', [header]):
            raise ValueError("a voucher must add up to zero")
        self._touch(header)
        changed_lines = [line["line"] for line in details.get("lines", ())]
        self._tell("Transaction", "UPDATED", changed_lines, owner)
        return {"lines": changed_lines}

    def _extend(self, details: Mapping[str, Any]) -> dict[str, Any]:
        header, lines = details["header"], details["lines"]
        if sum(Decimal(line["amount"]) for line in lines):
            raise ValueError("a voucher must add up to zero")
        found = self._ledger.execute(
            'select "ownerDbId", "transactionSourceDbId", "postedDate"::varchar from "TransactionHeader" where "dbId" = ?',
            [header],
        ).fetchone()
        if found is None:
            raise ValueError(f"there is no voucher {header}")
        owner, source, posted = found
        places = range(len(self._lines(header)) + 1, len(self._lines(header)) + len(lines) + 1)
        line_ids = [
            self._post_line(header, owner, source, posted, place, line)
            for place, line in zip(places, lines, strict=True)
        ]
        self._touch(header)
        self._tell("Transaction", "ADDED", line_ids, owner)
        return {"lines": line_ids}

    def _retype(self, details: Mapping[str, Any]) -> dict[str, Any]:
        header, source = details["header"], self._source(details["document_type"])
        owner = self._owner(header)
        for table, column, key in (
            ("TransactionHeader", "transactionSourceDbId", "dbId"),
            ("Transaction", "headerTransactionSourceDbId", "headerDbId"),
            ("APTransaction", "headerTransactionSourceDbId", "transactionHeaderDbId"),
        ):
            self._ledger.execute(f'update "{table}" set "{column}" = ? where "{key}" = ?', [source, header])
        self._touch(header)
        self._tell("Transaction", "UPDATED", self._lines(header), owner)
        self._tell("APTransaction", "UPDATED", self._items(header), owner)
        return {"lines": self._lines(header)}

    def _delete(self, details: Mapping[str, Any]) -> dict[str, Any]:
        header = details["header"]
        owner, lines, items = self._owner(header), self._lines(header), self._items(header)
        self._tell("Transaction", "DELETED", lines, owner)
        self._tell("APTransaction", "DELETED", items, owner)
        self._ledger.execute('delete from "Transaction" where "headerDbId" = ?', [header])
        self._ledger.execute('delete from "APTransaction" where "transactionHeaderDbId" = ?', [header])
        self._ledger.execute('delete from "TransactionHeader" where "dbId" = ?', [header])
        return {"lines": lines, "items": items}

    def _rename_supplier(self, details: Mapping[str, Any]) -> dict[str, Any]:
        supplier = details["supplier"]
        self._ledger.execute(
            'update "Subledger" set "description" = $name, "modifiedAt" = (select "now" from "Clock") where "dbId" = $supplier',
            {"name": details["name"], "supplier": supplier},
        )
        self._ledger.execute(
            """
            update "Company" set "description" = $name, "name" = $name, "modifiedAt" = (select "now" from "Clock")
            where "dbId" = (select "companyDbId" from "Subledger" where "dbId" = $supplier)
            """,
            {"name": details["name"], "supplier": supplier},
        )
        self._tell(
            "Supplier",
            "UPDATED",
            [supplier],
            self._value('select "ownerDbId" from "Subledger" where "dbId" = ?', [supplier]),
        )
        return {"supplier": supplier}

    def _move_clock(self, details: Mapping[str, Any]) -> dict[str, Any]:
        moved = "$to::timestamp" if "to" in details else '"now" + to_seconds($seconds)'
        before = self._value('select "now" from "Clock"')
        self._ledger.execute(f'update "Clock" set "now" = {moved}', dict(details))
        after = self._value('select "now" from "Clock"')
        self.clock_moved_by += after - before
        return {"now": str(after)}

    def _random(self, details: Mapping[str, Any]) -> dict[str, Any]:
        chance = random.Random(details["seed"])  # noqa: S311
        return {"done": [self._one(self._drawn(chance)) for _ in range(details.get("count", 1))]}

    def _drawn(self, chance: random.Random) -> dict[str, Any]:
        kind = chance.choice(_RANDOM_KINDS)
        if kind == "rename_supplier":
            supplier = self._any_of(chance, '"dbId" from "Supplier"')
            return {kind: {"supplier": supplier, "name": f"Omdøpt {chance.randint(1, 10**6)} AS"}}
        header = self._any_of(chance, '"dbId" from "TransactionHeader"')
        if kind == "delete":
            return {kind: {"header": header}}
        if kind == "retype":
            return {kind: {"header": header, "document_type": chance.choice(("AP", "BA", "GL", "PR"))}}
        if kind == "change":
            return {
                kind: {
                    "header": header,
                    "lines": [{"line": self._lines(header)[0], "text": f"Endret {chance.randint(1, 10**6)}"}],
                }
            }
        return {"post": self._copy_of(header)}

    def _copy_of(self, header: int) -> dict[str, Any]:
        lines = self._ledger.execute(
            """
            select account."code" as account, line."amount"::varchar as amount, line."text" as text
            from "Transaction" as line join "Account" as account on account."dbId" = line."accountDbId"
            where line."headerDbId" = ? order by line."dbId"
            """,
            [header],
        ).fetchall()
        items = self._ledger.execute(
            'select "subledgerDbId", "amount"::varchar, "invoiceNumber" from "APTransaction" where "transactionHeaderDbId" = ?',
            [header],
        ).fetchall()
        code = self._value(
            'select "code" from "TransactionSource" join "TransactionHeader" as header '
            'on header."transactionSourceDbId" = "TransactionSource"."dbId" where header."dbId" = ?',
            [header],
        )
        return {
            "owner": self._owner(header),
            "document_type": code,
            "lines": [{"account": account, "amount": amount, "text": text} for account, amount, text in lines],
            "items": [
                {"supplier": supplier, "amount": amount, "invoice_number": f"{number}X"}
                for supplier, amount, number in items
            ],
        }

    def _any_of(self, chance: random.Random, column_of_table: str) -> int:
        rows = self._ledger.execute(f"select {column_of_table} order by 1").fetchall()
        return int(chance.choice(rows)[0])

    def _tick(self) -> None:
        self._ledger.execute('update "Clock" set "now" = "now" + interval 1 second')

    def _touch(self, header: int) -> None:
        for table, column, key in (
            ("TransactionHeader", "modifiedAt", "dbId"),
            ("APTransaction", "headerModifiedAt", "transactionHeaderDbId"),
        ):
            self._ledger.execute(
                f'update "{table}" set "{column}" = (select "now" from "Clock") where "{key}" = ?', [header]
            )

    def _tell(self, type_name: str, kind: str, ids: Sequence[int], owner: int) -> None:
        feed = _FEEDS[type_name]
        for db_id in ids:
            self._ledger.execute(
                f'insert into "{feed}" select ?, ?, ?, ?, "now" from "Clock"', [self._next(feed), db_id, owner, kind]
            )

    def _next(self, kind: str) -> int:
        self._highest[kind] += 1
        return self._highest[kind]

    def _lines(self, header: int) -> list[int]:
        return [
            row[0]
            for row in self._ledger.execute(
                'select "dbId" from "Transaction" where "headerDbId" = ? order by 1', [header]
            ).fetchall()
        ]

    def _items(self, header: int) -> list[int]:
        rows = self._ledger.execute(
            'select "dbId" from "APTransaction" where "transactionHeaderDbId" = ? order by 1', [header]
        )
        return [row[0] for row in rows.fetchall()]

    def _owner(self, header: int) -> int:
        return self._id('select "ownerDbId" from "TransactionHeader" where "dbId" = ?', [header])

    def _source(self, code: str) -> int:
        return self._id('select "dbId" from "TransactionSource" where "code" = ?', [code])

    def _account(self, owner: int, code: str) -> int:
        return self._id(
            """
            select "dbId" from "Account" where "code" = $code
            order by ("ownerDbId" = $owner) desc, ("ownerDbId" = (select min("ownerDbId") from "Entity")) desc limit 1
            """,
            {"code": code, "owner": owner},
        )

    def _id(self, sql: str, parameters: Any) -> int:
        return int(self._value(sql, parameters))

    def _value(self, sql: str, parameters: Any = None) -> Any:
        row = self._ledger.execute(sql, parameters).fetchone()
        if row is None:
            raise ValueError(f"nothing there: {parameters}")
        return row[0]
