"""Cutting a JSON list into its items where some of them are not quite JSON."""

from __future__ import annotations

import json
import re

# Lenient with what spoils one item only, and blind to values: whoever reads the item judges it.
_DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)
_SPACE = re.compile(r"[ \t\r\n]*")


def cut_list(content: bytes) -> list[bytes] | None:
    """The items of a list that is JSON but for NaN, Infinity, or broken text inside some of them.

    None where the list as such does not hold together.

    >>> cut_list(b'[{"a": 1}, NaN, "x"]')
    [b'{"a": 1}', b'NaN', b'"x"']
    >>> cut_list(b'[{"a": 1}, ') is None
    True
    """
    text = content.decode(errors="surrogateescape")
    items = []
    separator, place = text[:1], 1
    if separator != "[":
        return None
    try:
        while separator != "]":
            start = _after_space(text, place)
            end = _DECODER.raw_decode(text, start)[1]
            items.append(text[start:end].encode(errors="surrogateescape"))
            place = _after_space(text, end) + 1
            separator = text[place - 1 : place]
            if separator not in (",", "]"):
                return None
    except (ValueError, RecursionError):
        return None
    return None if text[place:].strip() else items


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    assert found is not None, "no space at all is a match"
    return found.end()
