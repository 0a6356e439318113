from __future__ import annotations

import hashlib
import json
import threading
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from responses import SALT, Bench, answer, error_chain, node, operation, rows_of

from pipelines.xledger import entities
from pipelines.xledger.errors import MalformedResponse, UntrustedValue
from pipelines.xledger.landing import Rows
from pipelines.xledger.tables import TABLES

LINES = operation("transactions")
ITEMS = operation("ap_transactions")
SUPPLIERS = operation("suppliers")
COMPANIES = operation("companies")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def _line(db_id: object = 1, **values: object) -> dict[str, Any]:
    return node(LINES, dbId=db_id, ownerDbId=7, **values)


def _landed_line(bench: Bench, **values: object) -> dict[str, Any]:
    (line,) = bench.land("transactions", entities.TRANSACTION_ROWS, _line(**values))["transaction"]
    return line


# Types


def test_every_declared_column_exists_with_its_type_even_when_all_are_null(bench: Bench) -> None:
    page = bench.page(LINES, entities.TRANSACTION_ROWS, answer(LINES, [_line()]))
    for name, table in page.tables.items():
        assert table.schema == TABLES[name].arrow_schema
    (line,) = rows_of(page)["transaction"]
    assert line == dict.fromkeys(line) | {"db_id": 1, "owner_db_id": 7}


@pytest.mark.parametrize(
    ("document_name", "rows"),
    [
        pytest.param("transactions", entities.TRANSACTION_ROWS, id="transactions"),
        pytest.param("ap_transactions", entities.AP_TRANSACTION_ROWS, id="ap_transactions"),
        pytest.param("accounts", entities.ACCOUNT_ROWS, id="accounts"),
        pytest.param("suppliers", entities.SUPPLIER_ROWS, id="suppliers"),
        pytest.param("subledgers", entities.SUBLEDGER_ROWS, id="subledgers"),
        pytest.param("companies", entities.COMPANY_ROWS, id="companies"),
        pytest.param("contacts", entities.CONTACT_ROWS, id="contacts"),
        pytest.param("countries", entities.COUNTRY_ROWS, id="countries"),
        pytest.param("currencies", entities.CURRENCY_ROWS, id="currencies"),
        pytest.param("object_values", entities.OBJECT_VALUE_ROWS, id="object_values"),
        pytest.param("entities", entities.ENTITY_ROWS, id="entities"),
    ],
)
def test_an_empty_result_is_empty_tables(bench: Bench, document_name: str, rows: Rows) -> None:
    asked = operation(document_name)
    for nodes in (None, []):
        page = bench.page(asked, rows, answer(asked, nodes))
        assert (page.rows, page.end_cursor, page.has_next_page) == (0, None, False)
        assert {name: table.num_rows for name, table in page.tables.items()} == dict.fromkeys(page.tables, 0)
        assert all(table.schema == TABLES[name].arrow_schema for name, table in page.tables.items())


@pytest.mark.parametrize(
    "given",
    [pytest.param(9007199254740993, id="number"), pytest.param("9007199254740993", id="text")],
)
def test_ids_above_two_to_the_53_are_exact(bench: Bench, given: object) -> None:
    nodes = [_line(given, header__dbId=given, accountDbId=given), _line(9007199254740992)]
    landed = bench.land("transactions", entities.TRANSACTION_ROWS, *nodes)
    assert {line["db_id"] for line in landed["transaction"]} == {9007199254740993, 9007199254740992}
    assert [header["db_id"] for header in landed["transaction_header"]] == [9007199254740993]


def test_the_largest_id_is_exact(bench: Bench) -> None:
    assert _landed_line(bench, db_id=str(2**63 - 1))["db_id"] == 2**63 - 1


@pytest.mark.parametrize(
    ("given", "landed"),
    [
        pytest.param("0.10", Decimal("0.1000"), id="text"),
        pytest.param("-1234.56", Decimal("-1234.5600"), id="negative"),
        pytest.param("7", Decimal("7.0000"), id="whole"),
        pytest.param("7.", Decimal("7.0000"), id="point at the end"),
        pytest.param("-.5", Decimal("-0.5000"), id="point at the beginning"),
        pytest.param("12.34560000", Decimal("12.3456"), id="zeros behind"),
        pytest.param("0.1234", Decimal("0.1234"), id="four decimals"),
        pytest.param("-0", Decimal("0.0000"), id="minus nothing"),
        pytest.param("00012.5", Decimal("12.5000"), id="zeros before"),
        pytest.param("999999999999999.9999", Decimal("999999999999999.9999"), id="fifteen digits and four decimals"),
        pytest.param("-999999999999999.9999", Decimal("-999999999999999.9999"), id="the same, negative"),
        pytest.param("100000000000000", Decimal("100000000000000.0000"), id="fifteen digits"),
        pytest.param("99999999999999.9999", Decimal("99999999999999.9999"), id="fourteen digits and four decimals"),
        pytest.param(0.1, Decimal("0.1000"), id="number"),
        pytest.param(1234.56, Decimal("1234.5600"), id="number with decimals"),
        pytest.param(12345678901.2345, Decimal("12345678901.2345"), id="number of fifteen digits"),
        pytest.param(-12345678901.2345, Decimal("-12345678901.2345"), id="the same number, negative"),
        pytest.param(999999999999999, Decimal("999999999999999.0000"), id="whole number of fifteen digits"),
    ],
)
def test_money_is_exact(bench: Bench, given: object, landed: Decimal) -> None:
    line = _landed_line(bench, amount=given, invoiceAmount=given, taxAmount=given)
    assert [line["amount"], line["invoice_amount"], line["tax_amount"]] == [landed] * 3
    assert str(line["amount"]) == str(landed)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("0.12345", id="five decimals"),
        pytest.param("1000000000000000", id="sixteen digits"),
        pytest.param("1e3", id="exponent"),
        pytest.param("1,50", id="comma"),
        pytest.param("1 000.00", id="blank between"),
        pytest.param("+5", id="plus"),
        pytest.param("", id="empty"),
        pytest.param(".", id="point alone"),
        pytest.param("-", id="minus alone"),
        pytest.param("NaN", id="NaN"),
        pytest.param("5.0\n", id="line end"),
        pytest.param(0.12345, id="number with five decimals"),
        pytest.param(1e16, id="number of seventeen digits"),
        pytest.param(10**30, id="very large number"),
        pytest.param(123456789012345.67, id="number that a double cannot hold"),
        pytest.param(True, id="boolean"),
        pytest.param({"amount": 1}, id="object"),
    ],
)
@pytest.mark.parametrize("column", ["amount", "taxAmount"])
def test_an_amount_that_would_lose_a_digit_stops_with_the_rows_id(bench: Bench, given: object, column: str) -> None:
    nodes = [_line(70, amount="1.00"), _line(71, **{column: given}), _line(72)]
    with pytest.raises(UntrustedValue) as raised:
        bench.land("transactions", entities.TRANSACTION_ROWS, *nodes)
    assert str(raised.value).startswith(f"transactions: the value of {column} in row 71 cannot be held exactly")
    if len(str(given)) > 2:
        assert str(given) not in str(raised.value)
    # Nothing of the page was handed out: the page can land when the row has been mended.
    landed = bench.land("transactions", entities.TRANSACTION_ROWS, *nodes[::2])
    assert {line["db_id"] for line in landed["transaction"]} == {70, 72}


@pytest.mark.parametrize(
    ("leaf", "given"),
    [
        pytest.param("accountDbId", "SECRET", id="id that is text"),
        pytest.param("accountDbId", 2**63, id="id too large"),
        pytest.param("accountDbId", "1.5", id="id with decimals"),
        pytest.param("periodNumber", 2**31, id="integer too large"),
        pytest.param("header__postedDate", "2024-02-30", id="no day of the calendar"),
        pytest.param("header__postedDate", "31.01.2024", id="date in another form"),
        pytest.param("header__modifiedAt", "2024-01-31T25:00:00", id="no hour of the day"),
    ],
)
def test_a_value_of_another_type_stops_with_the_rows_id(bench: Bench, leaf: str, given: object) -> None:
    with pytest.raises(UntrustedValue) as raised:
        bench.land("transactions", entities.TRANSACTION_ROWS, _line(70, header__dbId=1), _line(71, **{leaf: given}))
    assert f"the value of {leaf.replace('__', '.')} in row 71 " in str(raised.value)
    for link in error_chain(raised.value):
        assert str(given) not in str(link)


def test_a_bad_value_in_rows_without_their_own_id_names_the_row_they_are_about(bench: Bench) -> None:
    asked = operation("setup")
    entry = {
        "field": {"code": "1", "name": "XGL1"},
        "fieldObject": {"dbId": 55, "code": "C", "description": "D", "ownerDbId": "x", "objectKind": None},
    }
    body = json.dumps({"data": {"viewer": {"entity": {"glSetupEntries": [entry]}}}}).encode()
    with pytest.raises(UntrustedValue, match=r"viewer: the value of fieldObject\.ownerDbId in row 55 "):
        bench.page(asked, entities.OBJECT_ROWS, body)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        pytest.param("2024-01-15T12:00:00", datetime(2024, 1, 15, 11), id="winter"),
        pytest.param("2024-07-15T12:00:00", datetime(2024, 7, 15, 10), id="summer"),
        pytest.param("2024-03-31T01:59:59", datetime(2024, 3, 31, 0, 59, 59), id="before the clock goes forward"),
        pytest.param("2024-03-31T03:00:00", datetime(2024, 3, 31, 1), id="after the clock went forward"),
        pytest.param("2024-10-27T01:59:59", datetime(2024, 10, 26, 23, 59, 59), id="before the clock goes back"),
        pytest.param("2024-10-27T03:00:00", datetime(2024, 10, 27, 2), id="after the clock went back"),
        pytest.param("2024-10-27T02:30:00", datetime(2024, 10, 27, 1, 30), id="the hour that comes twice"),
        pytest.param("2024-01-01T00:30:00", datetime(2023, 12, 31, 23, 30), id="new year"),
        pytest.param("2024-07-15T12:00:00.1234567", datetime(2024, 7, 15, 10, 0, 0, 123456), id="parts of a second"),
    ],
)
def test_central_european_times_land_in_utc(bench: Bench, local: str, utc: datetime) -> None:
    nodes = [_line(header__dbId=1, header__modifiedAt=local)]
    (header,) = bench.land("transactions", entities.TRANSACTION_ROWS, *nodes)["transaction_header"]
    assert header["modified_at"] == utc


def test_dates_are_not_shifted(bench: Bench) -> None:
    nodes = [_line(1, header__dbId=1, header__postedDate="2024-01-01"), _line(2, header__dbId=2)]
    nodes[1]["header"]["postedDate"] = "2024-06-30T00:00:00"
    headers = bench.land("transactions", entities.TRANSACTION_ROWS, *nodes)["transaction_header"]
    assert {header["posted_date"] for header in headers} == {date(2024, 1, 1), date(2024, 6, 30)}


@pytest.mark.parametrize(
    "text",
    [
        "Ærlig & Sønner",
        "日本語",
        "a\u0000b",
        "👩‍👩‍👧",
        "x\ny\t",
        "'; drop table page; --",
        '"errors"',
        "",
        " ",
        "\u2028",
    ],
    ids=ascii,
)
def test_text_lands_as_it_is(bench: Bench, text: str) -> None:
    assert _landed_line(bench, text=text)["text"] == text
    asked = json.loads(answer(LINES, [_line(2, text=text)]))
    plain = json.dumps(asked, ensure_ascii=False, indent=3).encode()
    (line,) = rows_of(bench.page(LINES, entities.TRANSACTION_ROWS, plain))["transaction"]
    assert line["text"] == text


# Rows


def test_a_row_twice_in_a_page_lands_once(bench: Bench) -> None:
    landed = bench.land("transactions", entities.TRANSACTION_ROWS, _line(1), _line(2), _line("1"))
    assert sorted(line["db_id"] for line in landed["transaction"]) == [1, 2]


def test_a_row_of_an_earlier_page_does_not_land_again(bench: Bench) -> None:
    bench.land("transactions", entities.TRANSACTION_ROWS, _line(1), _line(2))
    landed = bench.land("transactions", entities.TRANSACTION_ROWS, _line(2), _line(3))
    assert [line["db_id"] for line in landed["transaction"]] == [3]
    assert bench.landing.handed_out("transaction") == 3


def test_the_same_id_of_another_owner_is_another_row(bench: Bench) -> None:
    other = node(LINES, dbId=1, ownerDbId=8)
    assert len(bench.land("transactions", entities.TRANSACTION_ROWS, _line(1), other)["transaction"]) == 2


def test_rows_without_an_owner_land_once_too(bench: Bench) -> None:
    nobody = node(LINES, dbId=1)
    first = bench.land("transactions", entities.TRANSACTION_ROWS, nobody, nobody)["transaction"]
    assert [(line["owner_db_id"], line["db_id"]) for line in first] == [(0, 1)]
    assert bench.land("transactions", entities.TRANSACTION_ROWS, nobody)["transaction"] == []


def test_rows_of_an_earlier_read_are_not_handed_out_again(bench: Bench) -> None:
    bench.land("transactions", entities.TRANSACTION_ROWS, _line(3, header__dbId=1))
    bench.landing.count_as_handed_out("transaction", "select 7 as owner_db_id, 5 as db_id")
    lines = [_line(number, header__dbId=1) for number in (4, 5, 6)]
    tables = bench.land("transactions", entities.TRANSACTION_ROWS, *lines)
    assert [row["db_id"] for row in tables["transaction"]] == [4, 6]


def test_what_was_handed_out_is_forgotten_when_a_read_starts_anew(bench: Bench) -> None:
    bench.land("transactions", entities.TRANSACTION_ROWS, _line(1, header__dbId=5))
    bench.landing.forget("transaction")
    landed = bench.land("transactions", entities.TRANSACTION_ROWS, _line(1, header__dbId=5))
    assert (len(landed["transaction"]), len(landed["transaction_header"])) == (1, 0)
    assert bench.landing.handed_out("transaction") == 1


def test_a_voucher_lands_once_for_all_its_lines(bench: Bench) -> None:
    nodes = [_line(number, header__dbId=50 + number % 2, header__fiscalYear=2024) for number in range(1, 9)]
    headers = bench.land("transactions", entities.TRANSACTION_ROWS, *nodes)["transaction_header"]
    assert sorted((header["owner_db_id"], header["db_id"], header["fiscal_year"]) for header in headers) == [
        (7, 50, 2024),
        (7, 51, 2024),
    ]
    assert bench.land("transactions", entities.TRANSACTION_ROWS, _line(9, header__dbId=50))["transaction_header"] == []


def test_lines_without_a_voucher_give_no_voucher(bench: Bench) -> None:
    landed = bench.land("transactions", entities.TRANSACTION_ROWS, _line(1, header=None), _line(2))
    assert landed["transaction_header"] == []
    assert [line["header_db_id"] for line in landed["transaction"]] == [None, None]


def test_a_combination_of_dimension_values_has_one_id_from_run_to_run(bench: Bench) -> None:
    nodes = [
        _line(1, glObject1DbId=3, glObject5DbId=9),
        _line(2, glObject1DbId=3, glObject5DbId=9),
        _line(3, glObject1DbId=3),
        _line(4),
    ]
    first = bench.land("transactions", entities.TRANSACTION_ROWS, *nodes)["gl_dimension"]
    again = Bench().land("transactions", entities.TRANSACTION_ROWS, *reversed(nodes))["gl_dimension"]
    assert len(first) == 2
    assert sorted(row["db_id"] for row in first) == sorted(row["db_id"] for row in again)
    assert all(0 <= row["db_id"] < 2**62 for row in first)


def test_system_values_of_all_references_land_once_each(bench: Bench) -> None:
    nodes = [
        node(ITEMS, dbId=1, ownerDbId=7, ledgerType__dbId=4, ledgerType__name="Supplier", paymentStatus__dbId=9),
        node(
            ITEMS, dbId=2, ownerDbId=8, ledgerType__dbId=4, slTransactionType__dbId=9, slTransactionType__name="INVOICE"
        ),
    ]
    values = bench.land("ap_transactions", entities.AP_TRANSACTION_ROWS, *nodes)["system_value"]
    assert sorted((value["owner_db_id"], value["db_id"]) for value in values) == [(0, 4), (0, 9)]


def test_a_document_whose_optional_fields_are_lacking_lands_with_nulls(bench: Bench) -> None:
    lacking = operation("accounts")
    without = type(lacking)(
        lacking.name,
        lacking.root,
        lacking.text,
        lacking.variables,
        frozenset(
            leaf for leaf in lacking.leaves if "owner" not in leaf and "vat" not in leaf and "modifiedAt" not in leaf
        ),
        ("Account.owner", "Account.vat"),
    )
    body = answer(without, [node(without, dbId=1, ownerDbId=2, code="4300")])
    landed = rows_of(bench.page(without, entities.ACCOUNT_ROWS, body))
    assert [(row["db_id"], row["code"], row["vat"], row["modified_at"]) for row in landed["account"]] == [
        (1, "4300", None, None)
    ]
    assert landed["owner"] == []


# Pages


def test_a_page_says_where_to_go_on(bench: Bench) -> None:
    page = bench.page(LINES, entities.TRANSACTION_ROWS, answer(LINES, [_line(1), _line(2)], has_next_page=True))
    assert (page.rows, page.end_cursor, page.has_next_page) == (2, "2", True)


def test_a_page_counts_the_rows_of_the_response_not_those_that_landed(bench: Bench) -> None:
    page = bench.page(LINES, entities.TRANSACTION_ROWS, answer(LINES, [_line(1), _line(1), _line(1)]))
    assert page.rows == 3


_WHOLE = answer(LINES, [_line(1, text="SECRET broadcast"), _line(2)])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>SECRET broadcast</html>", id="HTML"),
        pytest.param(_WHOLE[:-1], id="cut at the end"),
        pytest.param(_WHOLE[:40], id="cut at the beginning"),
        pytest.param(_WHOLE[: _WHOLE.index(b"broadcast") + 9], id="cut behind a word that holds cast"),
        pytest.param(b'{"data":"SECRET broadcast", "x"', id="cut, with cast where errors quote"),
        pytest.param(_WHOLE + b"}", id="more behind"),
        pytest.param(_WHOLE.replace(b"SECRET", b"SEC\xffRET"), id="no UTF-8"),
        pytest.param(b'{"data":null}', id="null data"),
        pytest.param(b"{}", id="no data"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"data":{"transactions":null}}', id="null root"),
        pytest.param(b'{"data":{"accounts":{"edges":[],"pageInfo":{"hasNextPage":false}}}}', id="another root"),
        pytest.param(b'{"data":{"transactions":{"edges":[]}}}', id="no pageInfo"),
        pytest.param(b'{"data":{"transactions":{"edges":[],"pageInfo":{"hasNextPage":null}}}}', id="no hasNextPage"),
        pytest.param(b'{"data":{"transactions":{"edges":[],"pageInfo":{"hasNextPage":"no"}}}}', id="hasNextPage no"),
        pytest.param(b'{"data":{"transactions":{"pageInfo":{"hasNextPage":false}}}}', id="no edges"),
        pytest.param(b'{"data":{"transactions":{"edges":{},"pageInfo":{"hasNextPage":false}}}}', id="edges no list"),
        pytest.param(_WHOLE.replace(b'"accountDbId"', b'"accountdbid"'), id="a field is missing"),
        pytest.param(_WHOLE.replace(b'"header": {', b'"header": "SECRET", "h": {'), id="text for an object"),
        pytest.param(answer(LINES, [_line(1), None]), id="null node"),  # type: ignore[list-item]
        pytest.param(answer(LINES, [_line(1), _line(None)]), id="row without id"),
        pytest.param(_WHOLE.replace(b'"node": {', b'"node": {"dbId": 5, '), id="a field twice"),
    ],
)
def test_a_malformed_body_is_told_from_a_whole_one_and_quoted_nowhere(bench: Bench, body: bytes) -> None:
    with pytest.raises(MalformedResponse) as raised:
        bench.page(LINES, entities.TRANSACTION_ROWS, body)
    for link in error_chain(raised.value):
        assert "SECRET" not in str(link)
        assert not isinstance(link, duckdb.Error)
    # The try after it lands as if nothing had been.
    assert bench.page(LINES, entities.TRANSACTION_ROWS, _WHOLE).tables["transaction"].num_rows == 2


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"data":{"viewer":null}}', id="no viewer"),
        pytest.param(b'{"data":{"viewer":{"entity":null}}}', id="no entity"),
        pytest.param(b'{"data":{"viewer":{"entity":[]}}}', id="list"),
        pytest.param(b'{"data":{"viewer":{"entity":{"glSet', id="cut"),
    ],
)
def test_a_malformed_answer_without_pages_is_told_too(bench: Bench, body: bytes) -> None:
    with pytest.raises(MalformedResponse):
        bench.page(operation("setup"), entities.OBJECT_ROWS, body)


def test_the_guard_sees_the_page_before_anything_is_handed_out(bench: Bench) -> None:
    class Stop(Exception):
        pass

    def guard(workbench: duckdb.DuckDBPyConnection) -> None:
        found = workbench.execute('select "dbId", "header.transactionSource.code" from page order by 1').fetchall()
        assert found == [(1, "PR"), (2, None)]
        raise Stop

    body = answer(LINES, [_line(1, header__transactionSource__code="PR"), _line(2)])
    with pytest.raises(Stop):
        bench.page(LINES, entities.TRANSACTION_ROWS, body, guard)
    assert bench.landing.handed_out("transaction") == 0
    assert bench.landing.handed_out("transaction_header") == 0


def test_pages_land_while_the_caller_uses_the_workbench(bench: Bench) -> None:
    """A connection holds one result: with one for both, each would now and then be given the other's."""
    bodies = [answer(LINES, [_line(number)]) for number in range(60)]
    pages: list[pa.Table] = []

    def land() -> None:
        pages.extend(bench.page(LINES, entities.TRANSACTION_ROWS, body).tables["transaction"] for body in bodies)

    thread = threading.Thread(target=land)
    thread.start()
    answers = []
    while thread.is_alive():
        answers.append(bench.workbench.execute("select 'mine'").fetchone() == ("mine",))
    thread.join()
    assert all(answers)
    assert [page.column("db_id").to_pylist() for page in pages] == [[number] for number in range(60)]


# What must not be kept


@pytest.mark.parametrize("written", ["NO93 8601-1117947", "no9386011117947", " NO93 8601 1117 947 "])
def test_a_bank_account_is_kept_as_a_salted_hash_only(bench: Bench, written: str) -> None:
    page = bench.page(
        SUPPLIERS, entities.SUPPLIER_ROWS, answer(SUPPLIERS, [node(SUPPLIERS, dbId=1, bankAccount=written)])
    )
    (supplier,) = rows_of(page)["supplier"]
    assert supplier["bank_account_hash"] == hashlib.sha256(f"{SALT}NO9386011117947".encode()).hexdigest()
    for table in page.tables.values():
        assert "86011117947" not in str(table.to_pylist())
        assert "bank_account" not in table.column_names


@pytest.mark.parametrize("written", [None, "", " - "])
def test_no_bank_account_has_no_hash(bench: Bench, written: str | None) -> None:
    landed = bench.land("suppliers", entities.SUPPLIER_ROWS, node(SUPPLIERS, dbId=1, bankAccount=written))
    assert landed["supplier"][0]["bank_account_hash"] is None


@pytest.mark.parametrize(
    "national_id",
    [
        pytest.param("01019012345", id="Norwegian"),
        pytest.param("010190 12345", id="Norwegian with a blank"),
        pytest.param("41019012345", id="Norwegian D-number"),
        pytest.param("900101-1234", id="Swedish"),
        pytest.param("19900101-1234", id="Swedish with century"),
        pytest.param("900101+1234", id="Swedish, over a hundred"),
        pytest.param("9001611234", id="Swedish coordination number"),
        pytest.param("010190-1234", id="Danish"),
        pytest.param("SE900101123401", id="Swedish sole trader's VAT number"),
        pytest.param("se 900101-1234 01", id="the same, as people write it"),
    ],
)
@pytest.mark.parametrize("column", ["companyNumber", "taxNumber"])
def test_a_national_id_is_not_kept(bench: Bench, national_id: str, column: str) -> None:
    landed = bench.land("companies", entities.COMPANY_ROWS, node(COMPANIES, dbId=1, **{column: national_id}))
    assert national_id not in str(landed)
    landed = bench.land("suppliers", entities.SUPPLIER_ROWS, node(SUPPLIERS, dbId=1, taxNo=national_id))
    assert landed["supplier"][0]["tax_no"] is None


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("923609016", id="Norwegian"),
        pytest.param("923 609 016", id="Norwegian with blanks"),
        pytest.param("NO 923 609 016 MVA", id="Norwegian VAT"),
        pytest.param("556012-5790", id="Swedish"),
        pytest.param("5560125790", id="Swedish without dash"),
        pytest.param("165560125790", id="Swedish with its century"),
        pytest.param("SE556012579001", id="Swedish VAT"),
        pytest.param("25313763", id="Danish"),
        pytest.param("DK25313763", id="Danish VAT"),
        pytest.param("GB123456789", id="British VAT"),
        pytest.param("", id="empty"),
    ],
)
def test_an_organisation_number_is_kept(bench: Bench, number: str) -> None:
    landed = bench.land(
        "companies", entities.COMPANY_ROWS, node(COMPANIES, dbId=1, companyNumber=number, taxNumber=number)
    )
    (company,) = landed["company"]
    assert (company["company_number"], company["tax_number"]) == (number, number)
