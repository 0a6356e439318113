"""The generated ledger: deterministic, of the size asked for, with every labelled case, and canaries that stand on pay alone."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from graphql_client import Client

from pipelines.sandbox import Sandbox, SandboxOptions, running
from pipelines.sandbox.ledger import LedgerFiles, make_ledger

_CASES = {
    "P1", "P3", "P4", "P5", "P6", "P7", "P8", "P8_board", "P_5900_AP", "P_5900_BA", "whole_voucher", "mixed_voucher",
    "D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9", "D11", "D12", "D13", "D15",
    "account_bounds", "capex", "duplicate", "missing_ap_row", "no_company", "no_number", "outside_types", "shared_number_a",
    "shared_number_b", "shared_supplier", "tenant_type", "year_end",
}  # fmt: skip
_HOSTILE_CASES = {
    "account_code", "text", "zero_amount", "fifteen_digits", "one_oere", "strange_date", "clock_change", "nulls", "unreadable",
    "bas_cost", "P_7610_AP",
}  # fmt: skip


def _make(folder: Path, **changes: object) -> LedgerFiles:
    folder.mkdir()
    return make_ledger(folder, SandboxOptions(**changes))  # type: ignore[arg-type]


def _rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _content(files: LedgerFiles) -> list[tuple[object, ...]]:
    sums = [
        f"select '{table}', count(*), bit_xor(hash(line)) from \"{table}\" as line"
        for table in ("Transaction", "TransactionHeader", "APTransaction", "Subledger", "Company", "TransactionDelta")
    ]
    truths = [
        f"select '{table}', count(*), bit_xor(hash(line)) from {table} as line" for table in ("line", "ap", "canary")
    ]
    return [*_rows(files.ledger, " union all ".join(sums)), *_rows(files.truth, " union all ".join(truths))]


def test_the_same_seed_gives_the_same_ledger(tmp_path: Path) -> None:
    one, same, other = (
        _content(_make(tmp_path / str(number), lines=2_000, seed=seed, hostile=True))
        for number, seed in enumerate((5, 5, 6))
    )
    assert one == same
    assert one != other


@pytest.mark.parametrize("lines", [1_000, 20_000, 30_000, 130_000])
def test_the_ledger_has_the_lines_that_were_asked_for(tmp_path: Path, lines: int) -> None:
    files = _make(tmp_path / "ledger", lines=lines)
    found = _rows(
        files.ledger, 'select count(*), count(distinct "dbId"), count(distinct "headerDbId") from "Transaction"'
    )[0]
    assert lines <= int(str(found[0])) < lines * 1.1 + 400
    assert found[0] == found[1]
    assert _rows(files.ledger, 'select count(*) = count(distinct "dbId") from "APTransaction"') == [(True,)]
    assert (
        _rows(files.ledger, 'select sum("amount") from "Transaction" group by "headerDbId" having sum("amount") <> 0')
        == []
    )
    stored = 'select "dbId" < lag("dbId") over (order by rowid) as falls from "Transaction"'
    assert _rows(files.ledger, f"select count(*) from ({stored}) where falls") == [(0,)]


def test_copies_keep_the_shape(tmp_path: Path) -> None:
    small, large = (_make(tmp_path / str(lines), lines=lines) for lines in (25_000, 100_000))
    shares = "select document_type, count(*) / (select count(*) from line) from line group by 1"
    of_small, of_large = (dict(_rows(files.truth, shares)) for files in (small, large))
    assert of_small.keys() == of_large.keys()
    assert all(abs(float(str(of_small[kind])) - float(str(of_large[kind]))) < 0.01 for kind in of_small)
    payroll = "select round(avg(is_payroll::int), 1) from line"
    assert _rows(small.truth, payroll) == _rows(large.truth, payroll)


@pytest.mark.parametrize("lines", [1, 999])
def test_too_few_lines_are_refused(tmp_path: Path, lines: int) -> None:
    with pytest.raises(ValueError, match="at least 1000"):
        _make(tmp_path / "ledger", lines=lines)


def test_an_empty_ledger_has_companies_and_suppliers_but_no_lines() -> None:
    with running(lines=0) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        assert client.data("{ transactions(last: 1) { edges { cursor } } }") == {"transactions": {"edges": None}}
        assert client.data("{ transaction_deltas(last: 1) { edges { cursor } } }") == {
            "transaction_deltas": {"edges": None}
        }
        assert client.data("{ suppliers(first: 1) { edges { cursor } } }")["suppliers"]["edges"]


def test_a_company_without_employees_has_no_pay(tmp_path: Path) -> None:
    files = _make(tmp_path / "ledger", lines=2_000, employees=0)
    assert _rows(files.truth, "select count(*) from line where is_payroll or document_type = 'PR'") == [(0,)]
    assert _rows(files.truth, "select count(*) from canary where kind in ('amount', 'person_name')") == [(0,)]


def test_many_employees_make_much_of_the_ledger_pay(tmp_path: Path) -> None:
    files = _make(tmp_path / "ledger", lines=20_000, employees=60)
    assert _rows(files.truth, "select avg(is_payroll::int) > 0.4 from line") == [(True,)]


def test_every_labelled_case_is_there(tmp_path: Path) -> None:
    plain = _make(tmp_path / "plain", lines=1_000, employees=2)
    hostile = _make(tmp_path / "hostile", lines=1_000, employees=2, hostile=True)
    labels = "select distinct case_label from line where case_label is not null"
    assert {label for (label,) in _rows(plain.truth, labels)} == _CASES
    assert {label for (label,) in _rows(hostile.truth, labels)} == _CASES | _HOSTILE_CASES


def test_every_rule_and_every_way_of_attribution_is_there(sandbox: Sandbox) -> None:
    assert sandbox.truth_path
    rules = {rule for (rule,) in _rows(sandbox.truth_path, "select distinct payroll_rule from line where is_payroll")}
    assert rules == {"type", "pay_account", "balancing", "whole_voucher", "payout"}
    rules = {rule for (rule,) in _rows(sandbox.truth_path, "select distinct payroll_rule from ap where is_payroll")}
    assert rules == {"type", "voucher", "match_group", "employee"}
    ways = {way for (way,) in _rows(sandbox.truth_path, "select distinct attribution from line where is_spend_guarded")}
    assert ways == {
        "line_company", "header_single_supplier", "invoice_reference", "amount_match", "pro_rata", "none_bank_fee",
        "none_cash_purchase", "none_employee_expense", "none_missing_ap_row",
    }  # fmt: skip


def test_canaries_stand_on_no_line_or_item_that_may_be_received(sandbox: Sandbox) -> None:
    assert sandbox.truth_path
    client = Client(sandbox.url, sandbox.token)
    connection = duckdb.connect(str(sandbox.truth_path), read_only=True)
    hidden = {str(db_id) for (db_id,) in connection.execute("select db_id from line where is_payroll").fetchall()}
    hidden_items = {db_id for (db_id,) in connection.execute("select db_id from ap where is_payroll").fetchall()}
    received = [
        node
        for node in client.nodes("transactions", "dbId text amount invoiceAmount taxAmount")
        if node["dbId"] not in hidden
    ]
    fields = "dbId text amount invoiceAmount invoiceRemaining invoiceNumber extIdentifier paymentReference"
    received += [node for node in client.nodes("apTransactions", fields) if node["dbId"] not in hidden_items]
    everything = "\n".join(str(value) for node in received for value in node.values() if value is not None)
    kinds = "('text', 'amount', 'person_name', 'national_id', 'private_bank_account', 'private_email')"
    canaries = connection.execute(f"select kind, value from canary where kind in {kinds}").fetchall()
    assert {kind for kind, _ in canaries} == {
        "text",
        "amount",
        "person_name",
        "national_id",
        "private_bank_account",
        "private_email",
    }
    assert [canary for canary in canaries if canary[1] in everything] == []


def test_every_payroll_line_and_item_carries_a_canary(sandbox: Sandbox) -> None:
    assert sandbox.truth_path
    connection = duckdb.connect(str(sandbox.truth_path), read_only=True)
    canaries = {value for (value,) in connection.execute("select value from canary where kind = 'text'").fetchall()}
    hidden = {str(db_id) for (db_id,) in connection.execute("select db_id from line where is_payroll").fetchall()}
    hidden_items = {db_id for (db_id,) in connection.execute("select db_id from ap where is_payroll").fetchall()}
    client = Client(sandbox.url, sandbox.token)
    lines = [node["text"] for node in client.nodes("transactions", "dbId text") if node["dbId"] in hidden]
    items = [node["text"] for node in client.nodes("apTransactions", "dbId text") if node["dbId"] in hidden_items]
    assert [text for text in (*lines, *items) if text not in canaries] == []


def test_hostile_ids_texts_amounts_and_nulls_come_through() -> None:
    with running(hostile=True, large_ids=True, lines=2_000, employees=2) as sandbox:
        client = Client(sandbox.url, sandbox.token)
        fields = "dbId text amount account { code } header { dbId createdAt transactionSource { code } }"
        lines = list(client.nodes("transactions", fields))
        items = list(client.nodes("apTransactions", "invoiceDate dueDate text"))
        entities = [node["description"] for node in client.nodes("entities", "description")]
        charts = {node["chartOfAccountDbId"] for node in client.nodes("accounts", "chartOfAccountDbId")}
    assert min(int(line["dbId"]) for line in lines) > 2**53
    assert {"4300*", "43001", "4300A", "DIV", "19005", "50001"} <= {
        line["account"]["code"] for line in lines if line["account"]
    }
    assert {"9999999999999.99", "-9999999999999.99", "0.00", "0.01"} <= {line["amount"] for line in lines}
    texts = {line["text"] for line in lines}
    assert {None, "", "Linje en\nLinje to\tmed tabulator", "日本語テキスト", "👩‍🔧 reparasjon", "x" * 5_000} <= texts
    assert any(line["account"] is None for line in lines)
    assert any(line["header"] is None for line in lines)
    assert any(line["header"] and line["header"]["transactionSource"] is None for line in lines)
    assert {"1900-01-01", "2099-12-31", "2024-02-29"} <= {item["invoiceDate"] for item in items}
    assert any(item["dueDate"] is None for item in items)
    assert "2024-10-27T02:30:00" in {line["header"]["createdAt"] for line in lines if line["header"]}
    assert "Nordvik Sverige AB" in entities
    assert charts == {2, 3}
