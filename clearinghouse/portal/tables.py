"""A table as data. One template draws it: rows on a screen, cards on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Header:
    """A column; `figures` are set flush right."""

    title: str
    figures: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """The cells in the order of the headers; the first names the row. `key` makes it selectable."""

    cells: Sequence[Any]
    key: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """`caption` names it for who cannot see it; `empty` says what to do where no row is."""

    caption: str
    headers: Sequence[Header]
    rows: Sequence[Row]
    empty: str
    note: str = ""
    selectable: bool = False
    shown_caption: bool = True

    @property
    def drawn(self) -> list[tuple[Row, list[tuple[Header, Any]]]]:
        """Each row with its cells beside their headers."""
        return [(row, list(zip(self.headers, row.cells, strict=True))) for row in self.rows]


def headers(*titles: str, figures: Sequence[str] = ()) -> list[Header]:
    """Columns by their titles; those in `figures` hold numbers."""
    return [Header(title, title in figures) for title in titles]
