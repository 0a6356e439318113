"""Excel: typed cells, frozen header, filters, and a sheet that explains the columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pipelines.explore import design
from pipelines.explore.published import Column
from pipelines.xledger.errors import XledgerError

# Excel's own limits: https://support.microsoft.com, "Excel specifications and limits".
_ROWS_OF_A_SHEET = 1_048_576
_LONGEST_TEXT = 32_767
_LONGEST_SHEET_NAME = 31
_EXACT_DIGITS = 15
_FIRST_YEAR = 1900


def write_excel(path: Path, table: str, columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> int:
    """Write a table and return its number of rows; what does not fit one sheet goes on in the next.

    A number with more digits than Excel can hold (15) is written as text, so that none is lost.

    Raises:
        XledgerError: a text is longer than a cell can hold.
    """
    options = {"constant_memory": True}
    with xlsxwriter.Workbook(path, options) as workbook:
        writer = _Writer(workbook, columns)
        remaining = iter(rows)
        count, part = 0, 1
        while True:
            written = writer.sheet(_sheet_name(table, part), islice(remaining, _ROWS_OF_A_SHEET - 1))
            count, part = count + written, part + 1
            if written < _ROWS_OF_A_SHEET - 1:
                break
        _explain(workbook, columns)
    return count


def _sheet_name(table: str, part: int) -> str:
    suffix = "" if part == 1 else f" ({part})"
    return table[: _LONGEST_SHEET_NAME - len(suffix)] + suffix


def _explain(workbook: xlsxwriter.Workbook, columns: Sequence[Column]) -> None:
    sheet = workbook.add_worksheet("column descriptions")
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 1, 18)
    sheet.set_column(2, 2, 100)
    bold = workbook.add_format({"bold": True})
    for position, title in enumerate(("column", "type", "description")):
        sheet.write_string(0, position, title, bold)
    sheet.freeze_panes(1, 0)
    for number, column in enumerate(columns, 1):
        for position, text in enumerate((column.name, column.type, column.description)):
            sheet.write_string(number, position, text)


class _Writer:
    """Writes rows cell by cell: nothing is guessed from a text, so no text becomes a formula, link or number."""

    def __init__(self, workbook: xlsxwriter.Workbook, columns: Sequence[Column]) -> None:
        self._workbook = workbook
        self._columns = columns
        self._header = workbook.add_format({"bold": True, "bg_color": design.PANEL, "bottom": 1})
        self._amount = workbook.add_format({"num_format": "#,##0.00##;[Red]-#,##0.00##"})
        self._whole = workbook.add_format({"num_format": "0"})
        self._date = workbook.add_format({"num_format": "yyyy-mm-dd"})
        self._time = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})

    def sheet(self, name: str, rows: Iterable[Sequence[object]]) -> int:
        sheet = self._workbook.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for position, column in enumerate(self._columns):
            sheet.set_column(position, position, _width(column), self._format_of(column))
        for position, column in enumerate(self._columns):
            sheet.write_string(0, position, column.name, self._header)
        count = 0
        for count, row in enumerate(rows, 1):
            for position, value in enumerate(row):
                self._write(sheet, count, position, value)
        sheet.autofilter(0, 0, count, len(self._columns) - 1)
        return count

    def _format_of(self, column: Column) -> Format | None:
        if column.type.startswith("DECIMAL"):
            return self._amount
        return {"DATE": self._date, "TIMESTAMP": self._time, "BIGINT": self._whole}.get(column.type)

    def _write(self, sheet: Worksheet, row: int, position: int, value: object) -> None:
        if value is None:
            return
        if isinstance(value, str):
            if len(value) > _LONGEST_TEXT:
                raise XledgerError(
                    f"A text in column {self._columns[position].name} has {len(value):,} characters, more than an Excel "
                    "cell can hold; export as CSV or Parquet instead."
                )
            sheet.write_string(row, position, value)
        elif isinstance(value, bool):
            sheet.write_boolean(row, position, value)
        elif isinstance(value, Decimal):
            self._number(sheet, row, position, value, self._amount)
        elif isinstance(value, int):
            self._number(sheet, row, position, Decimal(value), self._whole)
        elif isinstance(value, datetime):
            self._moment(sheet, row, position, value, self._time)
        elif isinstance(value, date):
            self._moment(sheet, row, position, value, self._date)
        else:
            sheet.write_string(row, position, str(value))

    def _number(self, sheet: Worksheet, row: int, position: int, value: Decimal, layout: Format) -> None:
        if len(value.normalize().as_tuple().digits) > _EXACT_DIGITS:
            sheet.write_string(row, position, f"{value:f}")
        else:
            sheet.write_number(row, position, float(value), layout)

    def _moment(self, sheet: Worksheet, row: int, position: int, value: date, layout: Format) -> None:
        if value.year < _FIRST_YEAR:
            sheet.write_string(row, position, value.isoformat())
        else:
            sheet.write_datetime(row, position, value, layout)


def _width(column: Column) -> int:
    wide = column.name.endswith(("_name", "_text", "address"))
    return max(len(column.name) + 3, 30 if wide else 12)
