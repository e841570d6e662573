"""Provider ids and operator ids: who a charging service provider or station operator is.

IEC 63119-2 clause 5.5; syntax of ISO 15118-2 annex H and DIN SPEC 91286. `DE*ABC` and `DE-ABC` may
be two companies, so the two are different types that never compare equal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from roaming.domain.identifiers.countries import country, country_of_prefix
from roaming.domain.identifiers.reading import plain_text, syntax_error

_PROVIDER = re.compile(r"([A-Za-z]{2})-?([A-Za-z0-9]{3})")
_OPERATOR = re.compile(r"([A-Za-z]{2})\*?([A-Za-z0-9]{3})")
_OPERATOR_DIN = re.compile(r"\+?([0-9]{1,3})\*([0-9]{3})")


@dataclass(frozen=True, slots=True)
class ProviderId:
    """A charging service provider's id, `CC-PPP`. Equal when the keys are equal."""

    key: str
    """Upper case without separators: what is unique and looked up."""
    country: str = field(compare=False)
    code: str = field(compare=False)
    as_received: str = field(compare=False)
    synthesised = False

    @classmethod
    def parse(cls, text: object) -> ProviderId:
        """Reads `CC-PPP` or `CCPPP`, any case; IdentifierError for everything else.

        >>> ProviderId.parse("de-8ac").key
        'DE8AC'
        >>> ProviderId.parse("DE8AC").display
        'DE-8AC'
        """
        return _provider(plain_text(text, "provider id", 6))

    @property
    def display(self) -> str:
        """With its separator, `DE-8AC`."""
        return f"{self.country}-{self.code}"

    def __str__(self) -> str:
        return self.display


@dataclass(frozen=True, slots=True)
class OperatorId:
    """A charging station operator's id, `CC*OOO`. Equal when the keys are equal."""

    key: str
    """Upper case without separators: what is unique and looked up."""
    country: str = field(compare=False)
    code: str = field(compare=False)
    as_received: str = field(compare=False)
    synthesised: bool = field(compare=False, default=False)
    """True where a DIN form was read: then `display` is ours and was never sent."""

    @classmethod
    def parse(cls, text: object, shared: Mapping[str, str] | None = None) -> OperatorId:
        """Reads `CC*OOO`, `CCOOO`, and the DIN form `+49*823`; IdentifierError for all else.

        `shared` names the countries of E.164 prefixes that several share, `{"44": "GB"}`.

        >>> OperatorId.parse("+49*823").display
        'DE*823'
        >>> OperatorId.parse("DEAB7") == OperatorId.parse("de*ab7")
        True
        """
        plain = plain_text(text, "operator id", 8)
        return _operator(plain) if shared is None else _read_operator(plain, shared)

    @property
    def display(self) -> str:
        """With its separator, `DE*AB7`."""
        return f"{self.country}*{self.code}"

    def __str__(self) -> str:
        return self.display


@lru_cache(maxsize=4096)
def _provider(text: str) -> ProviderId:
    match = _PROVIDER.fullmatch(text)
    if match is None:
        raise syntax_error(text, "provider id", "CC-PPP, such as DE-8AC")
    land, code = country(match[1], "provider id"), match[2].upper()
    return ProviderId(land + code, land, code, text)


@lru_cache(maxsize=4096)
def _operator(text: str) -> OperatorId:
    return _read_operator(text, None)


def _read_operator(text: str, shared: Mapping[str, str] | None) -> OperatorId:
    if match := _OPERATOR.fullmatch(text):
        land, code = country(match[1], "operator id"), match[2].upper()
        return OperatorId(land + code, land, code, text)
    if match := _OPERATOR_DIN.fullmatch(text):
        land, code = country_of_prefix(match[1], "operator id", shared), match[2]
        return OperatorId(land + code, land, code, text, synthesised=True)
    raise syntax_error(text, "operator id", "CC*OOO, such as DE*AB7, or the DIN form +49*823")
