"""What is wrong with an identifier, as one error with a stable code."""

from __future__ import annotations


class IdentifierError(ValueError):
    """A text that is not the identifier it was offered as.

    `code` is stable and one of: `not_text`, `missing`, `too_long`, `characters`, `syntax`,
    `country_unknown`, `country_ambiguous`, `check_digit`, `not_convertible`.
    `detail` is one sentence for the sender's log. It never repeats the value, because contract ids
    and token UIDs are personal and error texts end up in logs.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail

    def __reduce__(self) -> tuple[type[IdentifierError], tuple[str, str]]:
        return IdentifierError, (self.code, self.detail)
