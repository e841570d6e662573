"""The files that a report can become, by their names, types and writers."""

from __future__ import annotations

from enum import StrEnum
from typing import BinaryIO

from settlement.reports.report import Report, write_csv
from settlement.reports.spreadsheet import write_xlsx


class Format(StrEnum):
    """CSV for machines, CSV for spreadsheets with decimal commas, XLSX."""

    CSV = "csv"
    CSV_COMMA = "csv-comma"
    XLSX = "xlsx"

    @property
    def label(self) -> str:
        return {
            Format.CSV: "CSV, decimal point (for machines)",
            Format.CSV_COMMA: "CSV, decimal comma (for spreadsheets in German, French, ...)",
            Format.XLSX: "XLSX",
        }[self]

    @property
    def extension(self) -> str:
        return "xlsx" if self is Format.XLSX else "csv"

    @property
    def content_type(self) -> str:
        if self is Format.XLSX:
            return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        return "text/csv; charset=utf-8"


def write(report: Report, kind: Format, file: BinaryIO) -> None:
    """Writes the report from the file's beginning, whole or not at all; constant memory."""
    if kind is Format.XLSX:
        write_xlsx(report, file)
    else:
        write_csv(report, file, comma=kind is Format.CSV_COMMA)
