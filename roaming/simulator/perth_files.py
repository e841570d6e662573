"""Opening files in the Perth & Kinross form: CSV, or CSV inside gzip, in UTF-8."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

COLUMNS = (
    *("_id", "CP ID", "Connector", "Start Date", "Start Time"),
    *("End Date", "End Time", "Total kWh", "Site", "Model"),
)
MOST_ROWS = 2_000_000
_GZIP = b"\x1f\x8b"


class PerthFileError(ValueError):
    """A file that is not in the Perth & Kinross form; the text names it and says why."""


def rows(path: Path) -> Iterator[tuple[int, dict[str, str] | None]]:
    """Every row with its line number; None for a row that has not as many fields as the header.

    PerthFileError where the file cannot be read to its end.
    """
    try:
        with path.open("rb") as raw:
            compressed = raw.read(2) == _GZIP
            raw.seek(0)
            plain = gzip.GzipFile(fileobj=raw) if compressed else raw
            # utf-8-sig: spreadsheets put a byte order mark in front.
            with io.TextIOWrapper(plain, encoding="utf-8-sig", newline="") as text:
                yield from _rows(path.name, text)
    except UnicodeDecodeError as error:
        raise PerthFileError(f"{path.name}: not UTF-8 text at byte {error.start}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise PerthFileError(f"{path.name}: damaged gzip file ({error})") from None
    except OSError as error:
        raise PerthFileError(f"{path}: cannot be read ({error.strerror or error})") from None


def _rows(name: str, text: io.TextIOWrapper) -> Iterator[tuple[int, dict[str, str] | None]]:
    reader = csv.reader(text)
    try:
        header = next(reader, None)
        if header is None:
            raise PerthFileError(f"{name}: the file is empty")
        header = [column.strip() for column in header]
        missing = [column for column in COLUMNS[1:] if column not in header]
        if missing:
            raise PerthFileError(f"{name}: columns missing from the header: {', '.join(missing)}")
        for number, fields in enumerate(reader):
            if number >= MOST_ROWS:
                raise PerthFileError(f"{name}: more than {MOST_ROWS} rows")
            if not fields:
                continue  # an empty line is no row
            fits = len(fields) == len(header)
            yield reader.line_num, dict(zip(header, fields, strict=True)) if fits else None
    except csv.Error as error:
        raise PerthFileError(f"{name}: line {reader.line_num}: not CSV ({error})") from None
