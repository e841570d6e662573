"""CSV for people and for machines, streamed row by row.

For a spreadsheet: in the viewer's own form (decimal comma and semicolon where the locale has them,
a byte order mark, times of the viewer's zone). For a machine: comma, decimal point, UTC.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, numbers
from django.http import StreamingHttpResponse

from clearinghouse.portal.viewer import Viewer

# A cell that begins so is run by a spreadsheet; an apostrophe makes it text (OWASP).
_FORMULA = re.compile(r"^\s*[=+@-]|^[\t\r\n]")


@dataclass(frozen=True, slots=True)
class Form:
    """How cells are written."""

    delimiter: str
    decimal_mark: str
    zone: ZoneInfo | None

    @classmethod
    def asked(cls, viewer: Viewer, name: str) -> Form:
        """`spreadsheet`: as the viewer writes; anything else: as machines do."""
        if name != "spreadsheet":
            return cls(",", ".", None)
        try:
            locale = Locale.parse(viewer.user.locale, sep="-")
        except (ValueError, LookupError):
            locale = Locale("en")
        mark = numbers.get_decimal_symbol(locale)
        return cls(";" if mark == "," else ",", mark, viewer.zone)

    def cell(self, value: Any) -> str:
        """One value as text; text that a spreadsheet would run is defused."""
        if value is None:
            return ""
        if isinstance(value, Decimal):
            return f"{value:f}".replace(".", self.decimal_mark)
        if isinstance(value, datetime):
            if self.zone is None:
                return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            return f"{value.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"
        text = str(value)
        return f"'{text}" if _FORMULA.match(text) else text


class _Line:
    """What csv.writer writes to: hands each line on."""

    def write(self, line: str) -> str:
        return line


def csv_response(
    form: Form, file_name: str, titles: Iterable[str], rows: Iterable[Iterable[Any]]
) -> StreamingHttpResponse:
    """A download that is made while it is read; `rows` are drawn one by one."""

    def lines() -> Iterator[str]:
        writer = csv.writer(_Line(), delimiter=form.delimiter)
        start = "\ufeff" if form.zone is not None else ""
        yield start + str(writer.writerow(list(titles)))
        for row in rows:
            yield str(writer.writerow([form.cell(value) for value in row]))

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def plain_name(text: str) -> str:
    """A name as a part of a file name.

    >>> plain_name("Stadtwerke Köln / Netz")
    'Stadtwerke-K-ln-Netz'
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-") or "operator"
