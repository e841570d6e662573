"""Token UIDs: what a user shows at a station. IEC 63119-2 clauses 5.5 and 5.6."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from roaming.domain.identifiers.reading import plain_text, syntax_error

# 4, 7 or 10 bytes (ISO 14443), bare or as pairs with one kind of separator throughout.
_RFID = re.compile(
    r"[0-9A-Fa-f]{2}([:-]?)[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){2}(?:(?:\1[0-9A-Fa-f]{2}){3}){0,2}"
)
_VISIBLE = re.compile(r"[!-~]{1,36}")
_SEPARATORS = str.maketrans("", "", ":-")


@dataclass(frozen=True, slots=True, repr=False)
class TokenUid:
    """The UID of an RFID card, or another kind of token. Equal when the keys are equal.

    Personal data: `repr` and `masked` hide it, and no value is kept in a cache.
    """

    key: str
    """Upper case; separators stripped from RFID UIDs only, in other tokens they may be meant."""
    is_rfid: bool = field(compare=False)
    """True for 8, 14 or 20 hex digits."""
    as_received: str = field(compare=False)
    synthesised = False

    @classmethod
    def parse(cls, text: object, *, rfid: bool = False) -> TokenUid:
        """Reads 8, 14 or 20 hex digits, or any 1 to 36 visible ASCII characters.

        `rfid`: only the former will do. IdentifierError for everything else.

        >>> TokenUid.parse("04:a2:b3:c4").key
        '04A2B3C4'
        >>> TokenUid.parse("app-user-17").is_rfid
        False
        """
        plain = plain_text(text, "token UID", 36)
        if _RFID.fullmatch(plain):
            return cls(plain.translate(_SEPARATORS).upper(), True, plain)
        if rfid:
            raise syntax_error(plain, "token UID", "8, 14 or 20 hexadecimal digits")
        if _VISIBLE.fullmatch(plain):
            return cls(plain.upper(), False, plain)
        raise syntax_error(plain, "token UID", "1 to 36 visible ASCII characters")

    @property
    def display(self) -> str:
        """RFID: the hex digits in upper case; other tokens: as they were sent."""
        return self.key if self.is_rfid else self.as_received

    @property
    def masked(self) -> str:
        """For those whom the token does not concern: its last two characters, if it has eight.

        >>> TokenUid.parse("04A2B3C4").masked
        '******C4'
        """
        shown = self.key[-2:] if len(self.key) >= 8 else ""
        return "*" * (len(self.key) - len(shown)) + shown

    def __repr__(self) -> str:
        return f"TokenUid({self.masked!r})"
