"""The guard in front of every pattern: text, bounded, ASCII."""

from __future__ import annotations

import unicodedata

from roaming.domain.identifiers.errors import IdentifierError


def plain_text(value: object, what: str, longest: int) -> str:
    """`value` unchanged when it is 1 to `longest` ASCII characters; IdentifierError otherwise.

    Patterns run only behind it: without this step a Kelvin sign would pass as K and an
    Arabic-Indic digit as a digit.

    >>> plain_text("DE*AB7", "operator id", 6)
    'DE*AB7'
    >>> plain_text("D\\u0415*AB7", "operator id", 6)
    Traceback (most recent call last):
    roaming.domain.identifiers.errors.IdentifierError: operator id: character 2 is U+0415 \
(CYRILLIC CAPITAL LETTER IE), only ASCII is allowed
    """
    if not isinstance(value, str):
        raise IdentifierError("not_text", f"{what}: expected text, got {type(value).__name__}")
    if not value:
        raise IdentifierError("missing", f"{what}: the text is empty")
    if len(value) > longest:
        raise IdentifierError(
            "too_long", f"{what}: {len(value)} characters, at most {longest} are allowed"
        )
    if not value.isascii():
        place, character = next((i, c) for i, c in enumerate(value, 1) if not c.isascii())
        name = unicodedata.name(character, "without a name")
        raise IdentifierError(
            "characters",
            f"{what}: character {place} is U+{ord(character):04X} ({name}), only ASCII is allowed",
        )
    return value


def syntax_error(text: str, what: str, expected: str) -> IdentifierError:
    """The error for `text` that is plain but does not fit; names blanks, which hide in logs."""
    for place, character in enumerate(text, 1):
        if character.isspace() or not character.isprintable():
            return IdentifierError(
                "characters", f"{what}: character {place} is a blank or control character"
            )
    return IdentifierError("syntax", f"{what}: expected {expected}")
