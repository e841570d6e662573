"""Evidence files: what kind a file is by its content, and a name that is safe to give back."""

from __future__ import annotations

import csv
import re
import unicodedata
from xml.parsers import expat

import msgspec

_SIGNATURES = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)
EXTENSIONS = {
    "application/pdf": ".pdf",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "application/json": ".json",
    "application/xml": ".xml",
    "text/csv": ".csv",
    "text/plain": ".txt",
}
LONGEST_NAME = 120
_UNSAFE = re.compile(r'[\\/:*?"<>|;%]+')
_DELIMITERS = ";,\t"


def media_type_of(content: bytes) -> str | None:
    """The kind of a file by its content, whatever its name says; None: none that is taken.

    >>> media_type_of(b"%PDF-1.7 ..."), media_type_of(b"kWh;EUR\\n20;10.00\\n")
    ('application/pdf', 'text/csv')
    >>> media_type_of(b"<html><script>alert(1)</script>"), media_type_of(b"MZ\\x90\\x00")
    (None, None)
    """
    for signature, media_type in _SIGNATURES:
        if content.startswith(signature):
            return media_type
    text = _text_of(content)
    if text is None:
        return None
    begin = text.lstrip()[:1]
    if begin == "<":
        return "application/xml" if _is_xml(content) else None
    if begin in ("{", "["):
        return "application/json" if _is_json(content) else "text/plain"
    return "text/csv" if _is_table(text) else "text/plain"


def safe_name(name: str, media_type: str) -> str:
    """The name of a file without paths and characters that mean something, ending as its kind does.

    >>> safe_name("../../etc/pass\\nwd", "text/plain"), safe_name("A b.pdf", "application/pdf")
    ('passwd.txt', 'A b.pdf')
    """
    extension = EXTENSIONS[media_type]
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", maxsplit=1)[-1]
    plain = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C")
    plain = _UNSAFE.sub("_", plain).strip(" .")
    alike = (extension, ".jpeg") if extension == ".jpg" else (extension,)
    if plain.lower().endswith(alike):
        stem, ending = plain.rsplit(".", maxsplit=1)
        return f"{stem[: LONGEST_NAME - 6] or 'evidence'}.{ending}"
    return f"{plain[: LONGEST_NAME - 6] or 'evidence'}{extension}"


def _text_of(content: bytes) -> str | None:
    """The content as text that people read; None where it is none."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    readable = all(sign in "\t\r\n" or unicodedata.category(sign) != "Cc" for sign in text)
    return text if text.strip() and readable else None


def _is_xml(content: bytes) -> bool:
    """Well-formed, without a document type: it could name entities and files."""
    parser = expat.ParserCreate()

    def no_document_type(*_: object) -> None:
        raise ValueError

    parser.StartDoctypeDeclHandler = no_document_type
    seen: list[str] = []
    parser.StartElementHandler = lambda name, _: seen.append(name) if not seen else None
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError):
        return False
    # What a browser would run is no evidence.
    return seen[0].rsplit(":", maxsplit=1)[-1].lower() not in ("html", "svg")


def _is_json(content: bytes) -> bool:
    try:
        msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _is_table(text: str) -> bool:
    """Two lines or more, all with as many columns as the first, two at least."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        return False
    for delimiter in _DELIMITERS:
        try:
            widths = {len(row) for row in csv.reader(lines, delimiter=delimiter)}
        except csv.Error:
            continue
        if len(widths) == 1 and min(widths) >= 2:
            return True
    return False
