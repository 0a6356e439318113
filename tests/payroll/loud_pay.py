"""The sandbox's ledger once more, with every pay in it another: louder than all that may be received, taken together.

Whatever is made of received rows by adding and subtracting is smaller than one such amount, so a sum that equals somebody's
pay by chance cannot be. Vouchers still add up to zero and match groups still settle each other, and every id, document type,
account, match group and kind of subledger is as it was: that is all the program may learn of such rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa

# Deductible and payable VAT: what stands there follows from the tax of the lines that are received.
_VAT = (
    "((chart = 2 and account_code between '2700' and '2769') or (chart = 3 and account_code between '2610' and '2659'))"
)


@dataclass(frozen=True)
class LoudPay:
    """``bound``: an amount that no sum of received amounts reaches. ``told``: lines left out that could not be changed."""

    bound: int
    told: Sequence[tuple[str, str, str]]


@dataclass
class _Line:
    owner: int
    db_id: int
    header: int
    match: int
    amount: Decimal
    is_fixed: bool
    loud: Decimal = Decimal(0)


def make_loud(ledger: Path, truth: Path, bound: int | None = None) -> LoudPay:
    """Change a kept ledger and its truth in place. With another ``bound`` pay is other, but not louder than all the rest."""
    with duckdb.connect(str(ledger)) as connection:
        connection.execute(f"attach '{truth}' as truth")
        [(total,)] = connection.execute(_RECEIVED_TOGETHER).fetchall()
        bound = bound or int(total) + 1
        lines = [_Line(*row) for row in connection.execute(_LEFT_OUT).fetchall()]
        _change(lines, bound)
        changed = {"db_id": [line.db_id for line in lines], "loud": [line.loud for line in lines]}
        connection.register(
            "changed", pa.table(changed, pa.schema({"db_id": pa.int64(), "loud": pa.decimal128(18, 2)}))
        )
        connection.execute(_CHANGE)
        told = connection.execute(_TOLD).fetchall()
    return LoudPay(bound, told)


def _change(lines: Sequence[_Line], bound: int) -> None:
    """Set the loud amounts.

    Lines of one match group grow by one factor. Of a voucher's other lines each gets an amount of its own, and the last one
    what is missing to zero. Where nothing can take up the difference, what is received says what was left out.
    """
    vouchers: dict[int, list[_Line]] = defaultdict(list)
    for line in lines:
        line.loud = line.amount
        vouchers[line.header].append(line)
    fixed_matches = {line.match for line in lines if line.is_fixed}
    for voucher in vouchers.values():
        if all(line.match or line.is_fixed for line in voucher):
            fixed_matches |= {line.match for line in voucher}
    factors: dict[int, int] = {}
    for voucher in vouchers.values():
        free = [line for line in voucher if not line.is_fixed and not line.match]
        for line in voucher:
            if line.match and line.match not in fixed_matches:
                factors.setdefault(line.match, bound + len(factors))
                line.loud = line.amount * factors[line.match]
        for place, line in enumerate(free[:-1]):
            line.loud = (bound * 3 + line.db_id + place * bound) * (-1 if line.amount < 0 else 1) + Decimal("0.37")
        if free:
            free[-1].loud -= sum(line.loud - line.amount for line in voucher)


_RECEIVED_TOGETHER = """
select sum(amount) from (
    select sum(abs("amount") + abs("taxAmount") + abs("invoiceAmount")) as amount from "Transaction"
    semi join (select db_id as "dbId" from truth.line where not is_payroll) using ("dbId")
    union all
    select sum(abs("amount") + abs("invoiceAmount") + abs("invoiceRemaining")) from "APTransaction"
    semi join (select db_id as "dbId" from truth.ap where not is_payroll) using ("dbId")
)
"""
_LEFT_OUT = f"""
with received_match as (
    select "matchId" from "Transaction" semi join (from truth.line where not is_payroll) as line on db_id = "dbId"
    union
    select "matchId" from "APTransaction" semi join (from truth.ap where not is_payroll) as item on db_id = "dbId"
)
select line.owner_db_id, line.db_id, line.header_db_id, "matchId", line.amount,
    {_VAT} or payroll_rule = 'unreadable' or ("matchId" <> 0 and "matchId" in (from received_match))
from truth.line as line join "Transaction" on "dbId" = line.db_id
where is_payroll order by line.db_id
"""

# Whatever is not an id, a document type, an account, a match group or a kind of subledger.
_CHANGE = """
create temp table loud_line as
select line.*, changed.loud from truth.line as line join changed using (db_id);

create temp table loud_item as
with numbered_lines as (
    select *, row_number() over (partition by header_db_id, amount order by db_id) as place from loud_line
),
numbered_items as (
    select *, row_number() over (partition by header_db_id, amount order by db_id) as place from truth.ap where is_payroll
)
select item.db_id, item.amount, item.header_db_id, coalesce(line.loud, item.amount) as loud
from numbered_items as item left join numbered_lines as line using (header_db_id, amount, place);

update "Transaction" set "amount" = loud, "invoiceAmount" = loud, "taxAmount" = loud / 7, "text" = 'KANARI-L' || "dbId",
    "companyDbId" = null, "glObject1DbId" = null, "glObject2DbId" = null, "glObject3DbId" = null, "glDimensionDbId" = null,
    "periodId" = 190001, "monthNumber" = 13, "periodNumber" = 13, "reconciled" = not "reconciled"
from loud_line where "dbId" = db_id;

update "APTransaction" set "amount" = loud, "invoiceAmount" = loud, "text" = 'KANARI-I' || "dbId",
    "invoiceRemaining" = case when "invoiceRemaining" = 0 then 0 else loud end, "invoiceNumber" = 'KANARI-N' || "dbId",
    "paymentReference" = 'KANARI-R' || "dbId", "bankAccount" = 'KANARI-B' || "dbId", "exchangeRate" = 7.77,
    "invoiceDate" = date '1901-01-01', "dueDate" = date '1901-01-02', "paymentDate" = date '1901-01-03',
    "lastPaymentDate" = date '1901-01-03', "companyDbId" = null, "periodDbId" = 190001
from loud_item where "dbId" = db_id;

update "TransactionHeader" set "text" = 'KANARI-H' || "dbId" where "dbId" in (select header_db_id from loud_line);
update "TransactionHeader" set "postedDate" = date '1901-01-01', "periodDbId" = 190001, "fiscalYear" = 1901,
    "trRegNumber" = 1
where "dbId" in (select header_db_id from truth.line group by all having bool_and(is_payroll));

create temp table person as
select "dbId", "companyDbId", "contactDbId", "addressDbId" from "Subledger"
where "ledgerTypeDbId" in (select "dbId" from "SystemValue" where "name" = 'EMPLOYEE');
update "Subledger" set "description" = 'KANARI-P' || "dbId", "code" = 'KANARI-C' || "dbId", "email" = 'KANARI-E' || "dbId",
    "bankAccount" = 'KANARI-A' || "dbId", "phone" = 'KANARI-T' || "dbId", "taxNo" = 'KANARI-X' || "dbId"
where "dbId" in (select "dbId" from person);
update "Company" set "description" = 'KANARI-D' || "dbId", "name" = 'KANARI-D' || "dbId", "companyNumber" = 'KANARI-O' || "dbId"
where "dbId" in (select "companyDbId" from person) and "dbId" not in (
    select "companyDbId" from "Subledger" where "companyDbId" is not null and "dbId" not in (select "dbId" from person));
update "Contact" set "name" = 'KANARI-K' || "dbId", "email" = 'KANARI-M' || "dbId"
where "dbId" in (select "contactDbId" from person);
update "ObjectValue" set "code" = 'KANARI-V' || "dbId", "description" = 'KANARI-W' || "dbId"
where "objectKindDbId" in (select "dbId" from "ObjectKind" where "name" ilike '%employee%' or "name" ilike '%ansatt%');

update truth.line set amount = loud from loud_line where truth.line.db_id = loud_line.db_id;
update truth.ap set amount = loud from loud_item where truth.ap.db_id = loud_item.db_id;
delete from truth.canary where kind in ('text', 'amount') or kind like 'private_%' or kind in ('person_name', 'national_id');
insert into truth.canary
select 'text', 'KANARI-'
union all select 'amount', abs(loud)::varchar from loud_line where loud <> amount
union all select 'amount', abs(loud / 7)::decimal(18, 2)::varchar from loud_line where loud <> amount;
"""
_TOLD = """
select document_type, payroll_rule, account_code from loud_line where loud = amount group by all order by all
"""
