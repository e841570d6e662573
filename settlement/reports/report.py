"""A report: what is in it as data, and how it becomes CSV (settlement.md, section 5, reports).

The rows come from one SELECT, so that a file is of one moment; CSV is written by PostgreSQL's COPY
and streamed, so that a million lines need no memory. Text cells that a spreadsheet would take for a
formula are defused; numbers and times are plain and machine-readable.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import connection, transaction

# A cell that begins so is run by a spreadsheet; an apostrophe makes it text (OWASP, CSV injection).
_FORMULA = r"'^\s*[=+@-]|^[\t\r\n]'"
_FETCHED_AT_ONCE = 2_000


class BinaryWriter(Protocol):
    """Whatever takes bytes: a file, a response, a pipe."""

    def write(self, content: bytes, /) -> object: ...


@dataclass(frozen=True, slots=True)
class Column:
    """A heading in plain words and the SQL of its cells; `text` cells are defused in files.

    `decimal`: a number, whose point may become a comma; `link`: an address that people may follow.
    """

    title: str
    expression: str
    text: bool = True
    decimal: bool = False
    link: bool = False

    def select(self, *, defused: bool, comma: bool = False) -> str:
        expression = self.expression
        if comma and self.decimal:
            expression = f"replace(({expression})::text, '.', ',')"
        if defused and self.text:
            expression = (
                f"nullif(CASE WHEN ({expression})::text ~ {_FORMULA} THEN '''' ELSE '' END"
                f" || ({expression})::text, '')"
            )
        return f'{expression} AS "{self.title}"'


def number(title: str, expression: str) -> Column:
    return Column(title, expression, text=False, decimal=True)


def moment(title: str, expression: str) -> Column:
    """A point in time, ISO 8601 in UTC."""
    utc = f"to_char({expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    return Column(title, utc, text=False)


@dataclass(frozen=True, slots=True)
class Report:
    """`source` is FROM, WHERE and ORDER BY; `file_name` sorts and never collides."""

    title: str
    file_name: str
    columns: tuple[Column, ...]
    source: str
    parameters: Mapping[str, Any]

    def select(self, *, defused: bool = False, comma: bool = False) -> str:
        cells = ",\n    ".join(
            column.select(defused=defused, comma=comma) for column in self.columns
        )
        return f"SELECT {cells}\n{self.source}"


def rows(report: Report, *, defused: bool = False) -> Iterator[tuple[Any, ...]]:
    """The report as data, row by row, in the order of its columns."""
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(report.select(defused=defused), dict(report.parameters))
        while fetched := cursor.fetchmany(_FETCHED_AT_ONCE):
            yield from fetched


def write_csv(report: Report, file: BinaryWriter, *, comma: bool = False) -> int:
    """Streams the report as CSV in UTF-8; returns the bytes written.

    The plain form has commas between cells and decimal points. With `comma` it has decimal commas,
    semicolons between cells and the mark by which spreadsheets of such a locale know UTF-8.
    """
    written = 0
    form = "FORMAT csv, HEADER"
    if comma:
        form += ", DELIMITER ';'"
        file.write(codecs.BOM_UTF8)
        written += len(codecs.BOM_UTF8)
    select = report.select(defused=True, comma=comma)
    statement = f"COPY ({select}) TO STDOUT WITH ({form})"
    with connection.cursor() as cursor, cursor.copy(statement, dict(report.parameters)) as copy:
        for block in copy:
            file.write(block)
            written += len(block)
    return written
