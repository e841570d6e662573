"""XLSX of a report: streamed from the database into a file with constant memory.

A sheet holds 1,048,576 lines; a longer report goes on on the next one. Numbers are numbers, texts
are texts: nothing is run as a formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, BinaryIO

import xlsxwriter

from settlement.reports.report import Report, rows

LINES_OF_A_SHEET = 1_048_576
# Excel keeps 15 digits; a longer number stays a text, so that no digit is lost.
DIGITS = 15
LINKS_OF_A_SHEET = 60_000


def write_xlsx(report: Report, file: BinaryIO) -> int:
    """Writes the report; returns its lines without the headings."""
    book = xlsxwriter.Workbook(
        file,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        },
    )
    heading = book.add_format({"bold": True})
    written, sheet, line = 0, None, LINES_OF_A_SHEET
    for row in rows(report, defused=True):
        if line >= LINES_OF_A_SHEET:
            sheet, line = _new_sheet(book, report, heading), 1
        _write_row(sheet, line, row, report)
        line += 1
        written += 1
    if sheet is None:
        _new_sheet(book, report, heading)
    book.close()
    return written


def _new_sheet(book: Any, report: Report, heading: Any) -> Any:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(report.columns):
        sheet.set_column(place, place, max(12, min(40, len(column.title) + 2)))
        sheet.write_string(0, place, column.title, heading)
    return sheet


def _write_row(sheet: Any, line: int, row: Sequence[Any], report: Report) -> None:
    for place, (column, value) in enumerate(zip(report.columns, row, strict=True)):
        if value is None or value == "":
            continue
        if isinstance(value, Decimal | int) and _digits(value) <= DIGITS:
            sheet.write_number(line, place, value)
        elif column.link and line <= LINKS_OF_A_SHEET:
            sheet.write_url(line, place, str(value))
        else:
            sheet.write_string(line, place, str(value))


def _digits(value: Decimal | int) -> int:
    return len(Decimal(value).as_tuple().digits)
