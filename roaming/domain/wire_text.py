"""Text as it comes over the wire: what can be decoded must also be storable and comparable."""

from __future__ import annotations

import re
from itertools import accumulate

from roaming.domain.refusals import Refusal

DEEPEST = 64
# A text of JSON. Possessive, and its closing quote may be missing: each byte is looked at once.
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*+\\u0000")
# Each bracket as the step that it makes, in signed bytes; everything else is left out.
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[{]}")


def check_text(body: bytes) -> None:
    """Refuses what could be decoded but never stored or compared: no UTF-8, NUL, a tower of lists.

    msgspec skips over fields that it does not know, so they are looked at here.
    """
    if b"\x00" in body or (b"\\u0000" in body and _NUL.search(body)):
        raise Refusal("malformed_body", "The body holds a NUL character.")
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Refusal("malformed_body", "The body is not UTF-8.") from error
    if body.count(b"[") + body.count(b"{") > DEEPEST and nesting_depth(body) > DEEPEST:
        raise Refusal("malformed_body", f"Nested deeper than {DEEPEST} levels.")


def nesting_depth(body: bytes) -> int:
    """The deepest nesting of lists and objects; brackets inside texts do not count.

    >>> nesting_depth(b'{"a": [1, "[[[", "\\\\"[["]}')
    2
    """
    steps = _TEXT.sub(b"", body).translate(_STEPS, _NO_BRACKETS)
    return max(accumulate(memoryview(steps).cast("b")), default=0)


def escaped_pattern(text: str) -> str:
    r"""A regular expression of `text` as a JSON string, whichever of its characters are escaped.

    For bodies in capitals, in which `\u0041` reads `\U0041`. Python and PostgreSQL read it alike.

    >>> re.search(escaped_pattern("04a2"), r'{"UID": "\U00304\U00612"}') is not None
    True
    """
    return '"' + "".join(map(_alternatives, text.upper())) + '"'


def _alternatives(character: str) -> str:
    written = [re.escape(character) if character.isascii() else character]
    if character in '"\\/':
        written = [re.escape(f"\\{character}"), *(written if character == "/" else ())]
    for form in sorted({character, character.lower()}):
        units = form.encode("utf-16-be")
        codes = (units[at : at + 2].hex().upper() for at in range(0, len(units), 2))
        written.append("".join(f"\\\\U{code}" for code in codes))
    return f"(?:{'|'.join(written)})"


def check_line(text: str | None, longest: int, field: str) -> None:
    """Refuses invalid_field for a short text that is too long or has unprintable characters.

    A line break or a mark that turns the direction of writing would show staff, or a log, another
    text than the one that was sent.

    >>> check_line("NO_CABLE", 60, "reason")
    """
    if text and (len(text) > longest or not text.isprintable()):
        raise Refusal("invalid_field", f"At most {longest} printable characters.", field)


def on_one_line(text: str) -> str:
    """People's words as one printable line: what would break or turn the line is a blank.

    For what must not be refused because of it: an emergency, or what a charging station has done.

    >>> on_one_line("two\\nlines")
    'two lines'
    """
    return "".join(character if character.isprintable() else " " for character in text)


_QUOTING = re.compile(r"^(Invalid (?:enum )?value) .*?( - at `[^`]*`)?$", re.DOTALL)


def unquoted(error: Exception) -> str:
    """What is wrong with an answer, without its own words: they may be a token or a contract id.

    >>> unquoted(ValueError("Invalid enum value '04A2B3C4' - at `$.response`"))
    'Invalid enum value - at `$.response`'
    """
    return _QUOTING.sub(lambda found: found[1] + (found[2] or ""), str(error))
