"""EVSE ids and site (pool) ids: where a charging service is given.

IEC 63119-2 clause 5.5; syntax of ISO 15118-2 annex H (no check digit) and DIN SPEC 91286. Both name
their operator.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from roaming.domain.identifiers.countries import country, country_of_prefix
from roaming.domain.identifiers.parties import OperatorId
from roaming.domain.identifiers.reading import plain_text, syntax_error

# The instance has at least one letter or digit: stars alone name nothing.
_EVSE = re.compile(
    r"(([A-Za-z]{2})\*?([A-Za-z0-9]{3}))\*?[Ee]((?=\**[A-Za-z0-9])[A-Za-z0-9*]{1,31})"
)
_EVSE_DIN = re.compile(r"(\+?([0-9]{1,3})\*([0-9]{3}))\*((?=\**[0-9])[0-9*]{1,31})")
_SITE = re.compile(
    r"(([A-Za-z]{2})\*?([A-Za-z0-9]{3}))\*?[Pp]((?=\**[A-Za-z0-9])[A-Za-z0-9*]{1,31})"
)
_EVSE_EXPECTED = "CC*OOO*E..., such as DE*AB7*E840*6487, or the DIN form +49*823*1234*5678"
_SITE_EXPECTED = "CC*OOO*P..., such as DE*AB7*P840"


@dataclass(frozen=True, slots=True)
class EvseId:
    """The id of one EVSE, `CC*OOO*E...`. Equal when the keys are equal."""

    key: str
    """Upper case without separators: what is unique and looked up."""
    operator: OperatorId = field(compare=False)
    instance: str = field(compare=False)
    """What follows the E, upper case, with the stars that were sent."""
    as_received: str = field(compare=False)
    synthesised: bool = field(compare=False, default=False)
    """True where a DIN form was read: then `display` is ours and was never sent."""

    @classmethod
    def parse(cls, text: object, shared: Mapping[str, str] | None = None) -> EvseId:
        """Reads the ISO form with or without stars and the DIN form; IdentifierError for all else.

        1 to 31 letters, digits and stars follow the E (DIN: 1 to 31 digits and stars follow the
        operator). `shared` names the countries of E.164 prefixes that several share.

        >>> EvseId.parse("DE*AB7*E840*6487").key
        'DEAB7E8406487'
        >>> EvseId.parse("deab7e8406487").display
        'DE*AB7*E8406487'
        >>> evse = EvseId.parse("+49*823*1234*5678")
        >>> evse.display, evse.synthesised, evse.operator.display
        ('DE*823*E1234*5678', True, 'DE*823')
        """
        plain = plain_text(text, "EVSE id", 40)
        return _evse(plain) if shared is None else _read_evse(plain, shared)

    @property
    def display(self) -> str:
        """With the separators that were given or are known, `DE*AB7*E840*6487`."""
        return f"{self.operator.display}*E{self.instance}"

    def __str__(self) -> str:
        return self.display


@dataclass(frozen=True, slots=True)
class SiteId:
    """The id of a site (in ISO 15118 a pool), `CC*OOO*P...`. Equal when the keys are equal."""

    key: str
    """Upper case without separators: what is unique and looked up."""
    operator: OperatorId = field(compare=False)
    instance: str = field(compare=False)
    """What follows the P, upper case, with the stars that were sent."""
    as_received: str = field(compare=False)
    synthesised = False

    @classmethod
    def parse(cls, text: object) -> SiteId:
        """Reads `CC*OOO*P...`, stars optional, any case; IdentifierError for everything else.

        >>> SiteId.parse("de*ab7*p840").key
        'DEAB7P840'
        """
        return _site(plain_text(text, "site id", 39))

    @property
    def display(self) -> str:
        """With the separators that were given or are known, `DE*AB7*P840`."""
        return f"{self.operator.display}*P{self.instance}"

    def __str__(self) -> str:
        return self.display


@lru_cache(maxsize=32768)
def _evse(text: str) -> EvseId:
    return _read_evse(text, None)


def _read_evse(text: str, shared: Mapping[str, str] | None) -> EvseId:
    synthesised = False
    if match := _EVSE.fullmatch(text):
        land = country(match[2], "EVSE id")
    elif match := _EVSE_DIN.fullmatch(text):
        land = country_of_prefix(match[2], "EVSE id", shared)
        synthesised = True
    else:
        raise syntax_error(text, "EVSE id", _EVSE_EXPECTED)
    code, instance = match[3].upper(), match[4].upper()
    operator = OperatorId(land + code, land, code, match[1], synthesised)
    key = f"{operator.key}E{instance.replace('*', '')}"
    return EvseId(key, operator, instance, text, synthesised)


@lru_cache(maxsize=8192)
def _site(text: str) -> SiteId:
    match = _SITE.fullmatch(text)
    if match is None:
        raise syntax_error(text, "site id", _SITE_EXPECTED)
    land, code, instance = country(match[2], "site id"), match[3].upper(), match[4].upper()
    operator = OperatorId(land + code, land, code, match[1])
    return SiteId(f"{operator.key}P{instance.replace('*', '')}", operator, instance, text)
