"""The truth, recomputed from the served rows alone: the generator says what it meant, these rules look at numbers and codes."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from graphql_client import Client

from pipelines.sandbox import SandboxOptions, running

_LINES = (
    "dbId ownerDbId matchId amount text account { code chartOfAccountDbId } header { dbId transactionSource { code } }"
)
_ITEMS = "dbId ownerDbId subledgerDbId matchId amount ledgerType { name } transactionHeader { dbId transactionSource { code } }"

_PAY_RANGES = {
    2: ((1570, 1576), (1740, 1740), (2600, 2699), (2770, 2785), (2910, 2949), (2980, 2980), (5000, 5999)),
    3: ((1610, 1619), (2710, 2719), (2730, 2739), (2790, 2799), (2820, 2829), (2910, 2949), (7000, 7699)),
}
_GUARDED_RANGES = {
    2: ((1500, 1699), (3001, 3999), (6000, 6099), (7780, 7789), (8000, 9999)),
    3: ((1500, 1699), (3001, 3999), (7700, 7899), (8000, 9999)),
}

_RULES = """
create table judged_line as
with line as (
    select *, document_type = 'AP' as is_invoice, coalesce(number between 1900 and 3000, false) as is_balance,
        document_type <> 'AP' and exists (
            from pay_range where pay_range.chart = gl.chart and number between low and high
        ) as is_pay
    from gl
),
voucher as (
    select header_id, bool_or(is_pay) as holds_pay, bool_or(is_balance and not is_pay) as has_balance
    from line group by header_id
)
select line.*, voucher.holds_pay, voucher.has_balance,
    case
        when header_id is null or document_type is null or code is null then 'unreadable'
        when document_type = 'PR' then 'type'
        when is_pay then 'pay_account'
        when holds_pay and not is_invoice and is_balance then 'balancing'
        when holds_pay and not is_invoice and not has_balance and document_type <> 'ER' then 'whole_voucher'
    end as rule
from line left join voucher using (header_id);

create table judged_item as
with pay_group as (
    select owner_id, match_id from judged_line where rule in ('type', 'pay_account') and match_id <> 0
    union
    select owner_id, match_id from ap where document_type = 'PR' and match_id <> 0
)
select ap.*,
    case
        when header_id is null or document_type is null then 'unreadable'
        when document_type = 'PR' then 'type'
        when header_id in (select header_id from judged_line where rule in ('pay_account', 'whole_voucher')) then 'voucher'
        when (owner_id, match_id) in (from pay_group) then 'match_group'
        when ledger_type <> 'SUPPLIER' then 'employee'
    end as rule
from ap;

update judged_line set rule = 'payout'
where rule is null and is_balance and not is_invoice
    and header_id in (select header_id from judged_item where rule = 'match_group');
"""


@pytest.fixture(scope="module", params=["default", "hostile", "copied"])
def books(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """Lines and items as served, judged by number ranges, with the truth attached beside them."""
    options = {
        "default": SandboxOptions(),
        "hostile": SandboxOptions(hostile=True, large_ids=True, lines=6_000, seed=7),
        "copied": SandboxOptions(lines=26_000, seed=3),
    }[request.param]
    with running(options) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        connection = duckdb.connect()
        _load(connection, client)
        connection.execute(f"attach '{sandbox.truth_path}' as truth (read_only)")
        connection.execute("create table told_line as from truth.line; create table told_ap as from truth.ap")
        connection.execute("create table told_split as from truth.split")
        connection.execute("detach truth")
    connection.execute(_RULES)
    return connection


def test_every_line_that_must_not_be_received_is_found_by_the_rules(books: duckdb.DuckDBPyConnection) -> None:
    differing = books.execute(
        """
        select coalesce(rule, 'none'), coalesce(payroll_rule, 'none'), count(*), min(case_label), min(db_id)
        from judged_line full join told_line on db_id = id
        where rule is distinct from payroll_rule or id is null or db_id is null group by all
        """
    ).fetchall()
    assert differing == []


def test_every_item_that_must_not_be_received_is_found_by_the_rules(books: duckdb.DuckDBPyConnection) -> None:
    differing = books.execute(
        """
        select coalesce(rule, 'none'), coalesce(payroll_rule, 'none'), count(*), min(case_label), min(db_id)
        from judged_item full join told_ap on db_id = id
        where rule is distinct from payroll_rule or id is null or db_id is null group by all
        """
    ).fetchall()
    assert differing == []


def test_spend_by_the_literal_and_the_guarded_rule_is_what_the_generator_meant(
    books: duckdb.DuckDBPyConnection,
) -> None:
    differing = books.execute(
        """
        with spend as (
            select *, rule is null and document_type in ('AP', 'BA', 'ER') and not is_balance as literal,
                coalesce(number between 1700 and 1799, false) as is_prepaid,
                amount <> 0 and sum(amount) filter (where literal) over pair = 0
                    and bool_and(is_prepaid = (amount < 0)) filter (where literal) over pair as is_release,
                literal and not coalesce(is_release, false) and not exists (
                    from guarded_range where guarded_range.chart = judged_line.chart and number between low and high
                ) and not coalesce(
                    chart = 2 and number between 5000 and 5899 or chart = 3 and number between 7000 and 7599, false
                ) as guarded
            from judged_line window pair as (partition by header_id, abs(amount))
        )
        select code, spend.document_type, literal, is_spend_literal, guarded, is_spend_guarded, count(*)
        from spend join told_line on db_id = id
        where coalesce(literal, false) <> is_spend_literal or coalesce(guarded, false) <> is_spend_guarded group by all
        """
    ).fetchall()
    assert differing == []


def test_every_voucher_adds_up_to_zero(books: duckdb.DuckDBPyConnection) -> None:
    off = "select header_id, sum(amount) from gl group by header_id having sum(amount) <> 0 and header_id is not null"
    assert books.execute(off).fetchall() == []
    assert books.execute("select header_db_id from told_line group by 1 having sum(amount) <> 0").fetchall() == []


def test_parts_of_a_shared_line_add_up_to_the_line(books: duckdb.DuckDBPyConnection) -> None:
    off = """
        select told_line.db_id from told_line left join told_split using (db_id)
        where attribution = 'pro_rata' group by told_line.db_id, told_line.amount
        having sum(told_split.amount) is distinct from told_line.amount
    """
    assert books.execute(off).fetchall() == []
    assert books.execute("select count(*) from told_line where attribution = 'pro_rata'").fetchall()[0][0] > 0


def test_amounts_served_are_the_amounts_meant(books: duckdb.DuckDBPyConnection) -> None:
    off = "select count(*) from gl join told_line on db_id = id where gl.amount <> told_line.amount or owner_id <> owner_db_id"
    assert books.execute(off).fetchall() == [(0,)]


def _load(connection: duckdb.DuckDBPyConnection, client: Client) -> None:
    lines = pa.Table.from_pylist([_flat_line(node) for node in client.nodes("transactions", _LINES)])
    items = pa.Table.from_pylist([_flat_item(node) for node in client.nodes("apTransactions", _ITEMS)])
    connection.register("lines", lines)
    connection.register("items", items)
    connection.execute("create table gl as select * replace (amount::decimal(18,2) as amount) from lines")
    connection.execute("create table ap as select * replace (amount::decimal(18,2) as amount) from items")
    for name, ranges in (("pay_range", _PAY_RANGES), ("guarded_range", _GUARDED_RANGES)):
        connection.execute(f"create table {name} (chart int, low int, high int)")
        rows = [(chart, low, high) for chart, bounds in ranges.items() for low, high in bounds]
        connection.executemany(f"insert into {name} values (?, ?, ?)", rows)


def _flat_line(node: dict) -> dict:  # type: ignore[type-arg]
    account, header = node["account"] or {}, node["header"] or {}
    code = account.get("code")
    leading = (code or "")[:4]
    return {
        "id": int(node["dbId"]),
        "owner_id": node["ownerDbId"],
        "match_id": node["matchId"],
        "amount": node["amount"],
        "code": code,
        "number": int(leading) if len(leading) == 4 and leading.isdigit() else None,
        "chart": account.get("chartOfAccountDbId"),
        "header_id": int(header["dbId"]) if header else None,
        "document_type": (header.get("transactionSource") or {}).get("code"),
    }


def _flat_item(node: dict) -> dict:  # type: ignore[type-arg]
    header = node["transactionHeader"] or {}
    return {
        "id": node["dbId"],
        "owner_id": node["ownerDbId"],
        "match_id": node["matchId"],
        "amount": node["amount"],
        "ledger_type": (node["ledgerType"] or {}).get("name"),
        "header_id": int(header["dbId"]) if header else None,
        "document_type": (header.get("transactionSource") or {}).get("code"),
    }
