"""Exports are read back by other programs and hold what the published table holds."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import openpyxl.utils.escape
import pyarrow.parquet as pq
import pytest

from pipelines.explore.exports import excel
from pipelines.explore.exports.csv_file import without_formula, write_csv
from pipelines.explore.exports.excel import write_excel
from pipelines.explore.published import Column
from pipelines.xledger.errors import XledgerError
from tests.explore.conftest import Place

FORMULAS = ["=1+1", "+47 22 00 00 00", "-5 %", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'t Hooft", "＝1"]


def export(place: Place, table: str, file_format: str) -> Path:
    done = place.run("pipelines.export", "--table", table, "--format", file_format)
    assert done.returncode == 0, done.stdout + done.stderr
    return place.data_dir / "export" / f"{table.split('.')[-1]}.{file_format}"


def rows_of(place: Place, table: str) -> list[tuple[object, ...]]:
    return place.query(f"select * from {table} order by all")


def in_excel(value: object) -> object:
    """What a cell must hold. Excel keeps a moment as a fraction of a day: exact to the millisecond, not beyond."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    return value


def read_back(value: object) -> object:
    return value.replace(microsecond=0) if isinstance(value, datetime) else value


def sheet_rows(path: Path, sheet: str) -> list[tuple[object, ...]]:
    return list(openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True))


@pytest.fixture(scope="module")
def exported(place: Place) -> Callable[[str], Path]:
    """The folder with all tables in a format."""
    made: set[str] = set()

    def folder(file_format: str) -> Path:
        if file_format not in made:
            done = place.run("pipelines.export", "--table", "all", "--format", file_format)
            assert done.returncode == 0, done.stdout + done.stderr
            made.add(file_format)
        return place.data_dir / "export"

    return folder


def published_tables(place: Place) -> list[str]:
    found = place.query("select schema_name || '.' || table_name from duckdb_tables() order by 1")
    assert len(found) > 15
    return [str(name) for (name,) in found]


def test_excel_holds_every_table(place: Place, exported: Callable[[str], Path]) -> None:
    for table in published_tables(place):
        name = table.split(".")[1]
        book = openpyxl.load_workbook(exported("xlsx") / f"{name}.xlsx", read_only=True)
        header, *cells = book[name[:31]].iter_rows(values_only=True)
        read = [tuple(read_back(value) for value in row) for row in cells]
        assert read == [tuple(in_excel(value) for value in row) for row in rows_of(place, table)], table
        assert header == tuple(name for (name, *_) in place.query(f"describe {table}"))


def test_excel_is_typed_frozen_filtered_and_explained(place: Place) -> None:
    book = openpyxl.load_workbook(export(place, "fct_spend", "xlsx"))
    sheet = book["fct_spend"]
    positions = {cell.value: cell.column for cell in sheet[1]}

    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == sheet.dimensions
    assert sheet.cell(2, positions["amount_net"]).number_format.startswith("#,##0.00")
    assert sheet.cell(2, positions["posted_date"]).is_date
    explained = {row[0]: row[2] for row in book["column descriptions"].iter_rows(min_row=2, values_only=True)}
    assert explained.keys() == positions.keys()
    assert all(explained.values())


def test_csv_holds_every_table(place: Place, exported: Callable[[str], Path]) -> None:
    for table in published_tables(place):
        path = exported("csv") / f"{table.split('.')[1]}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            header, *fields = csv.reader(file, strict=True)
        columns = place.query(f"describe {table}")
        assert header == [name for (name, *_) in columns]
        types = [str(kind) for (_, kind, *_) in columns]
        read = [tuple(from_csv(field, kind) for field, kind in zip(row, types, strict=True)) for row in fields]
        assert read == [tuple(as_csv_says(value) for value in row) for row in rows_of(place, table)], table
        assert path.read_bytes().count(b"\n") == path.read_bytes().count(b"\r\n"), table


def from_csv(field: str, kind: str) -> object:
    if field == "":
        return None
    return Decimal(field) if kind.startswith("DECIMAL") else field.removeprefix("'")


def as_csv_says(value: object) -> object:
    """An empty text and null are the same in CSV."""
    if isinstance(value, Decimal) or value is None or value == "":
        return value or (value if isinstance(value, Decimal) else None)
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_parquet_holds_every_table_with_its_types(place: Place, exported: Callable[[str], Path]) -> None:
    for table in published_tables(place):
        read = pq.read_table(exported("parquet") / f"{table.split('.')[1]}.parquet")
        assert [tuple(row.values()) for row in read.to_pylist()] == rows_of(place, table), table


def test_no_text_becomes_a_formula(place_with: Callable[[str], Place]) -> None:
    place = place_with(
        "delete from marts.dim_supplier where supplier_id != (select max(supplier_id) from marts.dim_supplier)"
    )
    with duckdb.connect(str(place.published)) as connection:
        connection.execute("create temp table one as from marts.dim_supplier; delete from marts.dim_supplier")
        for number, text in enumerate(FORMULAS):
            connection.execute(
                "insert into marts.dim_supplier select * replace (? as supplier_id, ? as supplier_name) from one",
                [str(number), text],
            )

    sheet = openpyxl.load_workbook(export(place, "dim_supplier", "xlsx"))["dim_supplier"]
    with export(place, "dim_supplier", "csv").open(encoding="utf-8", newline="") as file:
        fields = [row["supplier_name"] for row in csv.DictReader(file)]

    column = next(cell.column for cell in sheet[1] if cell.value == "supplier_name")
    cells = [sheet.cell(row, column) for row in range(2, sheet.max_row + 1)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert [openpyxl.utils.escape.unescape(str(cell.value)) for cell in cells] == FORMULAS
    assert fields == [f"'{text}" for text in FORMULAS]


def test_a_negative_number_is_no_text() -> None:
    assert without_formula("a-b") == "a-b"
    assert without_formula("") == ""


def test_numbers_and_dates_that_excel_cannot_hold_stay_whole(tmp_path: Path) -> None:
    columns = [Column("amount", "DECIMAL(38,4)", ""), Column("id", "BIGINT", ""), Column("day", "DATE", "")]
    rows = [
        (Decimal("123456789012345.6789"), 2**53 + 1, date(1899, 12, 31)),
        (Decimal("99999999999.9999"), 123, date(1900, 3, 1)),
        (Decimal("-0.0001"), -1, None),
    ]

    assert write_excel(tmp_path / "x.xlsx", "t", columns, rows) == 3

    assert sheet_rows(tmp_path / "x.xlsx", "t")[1:] == [
        ("123456789012345.6789", "9007199254740993", "1899-12-31"),
        (99999999999.9999, 123, datetime(1900, 3, 1)),
        (-0.0001, -1, None),
    ]


def test_more_rows_than_a_sheet_holds_go_on_in_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "_ROWS_OF_A_SHEET", 4)
    name = "a_name_that_is_longer_than_a_sheet_may_be"

    assert write_excel(tmp_path / "x.xlsx", name, [Column("id", "BIGINT", "")], ((number,) for number in range(7))) == 7

    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    parts = [sheet for sheet in book.worksheets if sheet.title != "column descriptions"]
    assert [[row[0] for row in sheet.iter_rows(values_only=True)] for sheet in parts] == [
        ["id", 0, 1, 2],
        ["id", 3, 4, 5],
        ["id", 6],
    ]


def test_a_text_too_long_for_a_cell_is_refused_not_cut(tmp_path: Path) -> None:
    with pytest.raises(XledgerError, match="column note has 32,768 characters"):
        write_excel(tmp_path / "x.xlsx", "t", [Column("note", "VARCHAR", "")], [("x" * 32_768,)])


def test_csv_quotes_what_needs_it(tmp_path: Path) -> None:
    write_csv(tmp_path / "x.csv", ["a", "b"], [('say "hi", all', "line\r\nend"), (None, True)])

    assert (tmp_path / "x.csv").read_bytes() == b'a,b\r\n"say ""hi"", all","line\r\nend"\r\n,true\r\n'


OPEN_DATA_COLUMNS = (
    "kopare_id,kopare,verifikationsnummer,leverantor,leverantor_id,konto_nr,konto_text,belopp,datum,"
    "forvaltning,fakturanummer,grund,avtal,kommun_id,s_kod_nr"
)


def test_open_data_holds_all_spend_that_has_a_supplier(place: Place) -> None:
    done = place.run("pipelines.export", "--format", "open-data")
    assert done.returncode == 0, done.stdout + done.stderr

    companies = place.query("select owner_org_number, owner_db_id from marts.dim_owner")
    assert companies
    for org_number, owner_db_id in companies:
        path = place.data_dir / "export" / f"leverantorsreskontra_{org_number}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = list(reader)
        assert ",".join(reader.fieldnames or []) == OPEN_DATA_COLUMNS
        assert [row for row in rows if not all(list(row.values())[:9])] == []
        assert [(len(rows), sum(Decimal(row["belopp"]) for row in rows))] == place.query(
            "select count(*), sum(amount_net) from marts.fct_spend where owner_db_id = ? and supplier_db_id is not null",
            [owner_db_id],
        )
        for row in rows:
            date.fromisoformat(row["datum"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["--table", "nope"], "There is no table 'nope'; there are audit.", id="no such table"),
        pytest.param(["--format", "docx"], "There is no format 'docx'; choose one of xlsx", id="no such format"),
    ],
)
def test_a_wrong_choice_is_explained(place: Place, arguments: list[str], sentence: str) -> None:
    refused = place.run("pipelines.export", *arguments)

    assert refused.returncode == 2
    assert sentence in refused.stderr


def test_before_the_first_sync_it_says_so(tmp_path: Path) -> None:
    refused = Place(tmp_path).run("pipelines.export")

    assert refused.returncode == 2
    assert "run `make sync` first" in refused.stderr


def test_a_failed_export_leaves_the_file_of_the_last_one(place_with: Callable[[str], Place]) -> None:
    place = place_with("update marts.dim_supplier set supplier_name = repeat('x', 40000)")
    folder = place.data_dir / "export"
    folder.mkdir()
    (folder / "dim_supplier.xlsx").write_text("yesterday")

    assert place.run("pipelines.export", "--table", "dim_supplier").returncode == 1

    assert [path.name for path in folder.iterdir()] == ["dim_supplier.xlsx"]
    assert (folder / "dim_supplier.xlsx").read_text() == "yesterday"
