"""Contract ids: eMA-ID (ISO 15118, eMI3) and EVCO-ID (DIN SPEC 91286), and their conversions.

IEC 63119-2 clause 5.5. A contract id is personal data: `repr` and `masked` hide its middle, and no
value of this module is kept in a cache.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from roaming.domain.identifiers.check_digits import din_check_digit, iso_check_digit
from roaming.domain.identifiers.countries import country
from roaming.domain.identifiers.errors import IdentifierError
from roaming.domain.identifiers.parties import ProviderId
from roaming.domain.identifiers.reading import plain_text, syntax_error

# Separators all or none: the first one, or its absence, is repeated.
_ISO = re.compile(
    r"(([A-Za-z]{2})(-?)([A-Za-z0-9]{3}))\3([A-Za-z0-9]{9})(?:\3([A-Za-z0-9]))?", re.ASCII
)
_DIN = re.compile(
    r"(([A-Za-z]{2})([-*]?)([A-Za-z0-9]{3}))\3([A-Za-z0-9]{6})(?:\3([0-9Xx]))?", re.ASCII
)
_EXPECTED = "CC-PPP-XXXXXXXXX-D (ISO 15118) or CC-PPP-XXXXXX-D (DIN), separators all or none"


class ContractStandard(StrEnum):
    """The syntax that a contract id follows."""

    ISO = "ISO"
    DIN = "DIN"
    OPAQUE = "OPAQUE"


@dataclass(frozen=True, slots=True, repr=False)
class ContractId:
    """A contract between an EV user and a home-CSP. Equal when the keys are equal."""

    key: str
    """Upper case without separators, with the check digit if one was sent. Opaque ids: upper case
    only, because their separators are not known to be separators."""
    standard: ContractStandard = field(compare=False)
    provider: ProviderId | None = field(compare=False)
    """None for an opaque id, which names no provider."""
    instance: str = field(compare=False)
    """9 characters (ISO), 6 (DIN), or the whole opaque id; upper case."""
    check_digit: str | None = field(compare=False)
    """As it was sent, upper case; None where none was sent."""
    check_digit_ok: bool | None = field(compare=False)
    """None where none was sent; False is for the caller to record or to refuse."""
    as_received: str = field(compare=False)
    synthesised: bool = field(compare=False, default=False)
    """True for the result of a conversion: then nobody sent this form."""

    @classmethod
    def parse(cls, text: object, *, strict: bool = False, opaque: bool = False) -> ContractId:
        """Reads 14/15 characters as ISO, 11/12 as DIN; IdentifierError for everything else.

        `strict`: a wrong check digit is an error (`check_digit`) instead of `check_digit_ok` False.
        `opaque`: what fits neither is taken as it is, 1 to 36 visible ASCII characters.

        >>> contract = ContractId.parse("nl-tnm-000122045-u")
        >>> contract.key, contract.provider.display, contract.check_digit_ok
        ('NLTNM000122045U', 'NL-TNM', True)
        >>> ContractId.parse("NLTNM122045X").check_digit_ok
        False
        >>> ContractId.parse("customer/4711", opaque=True).standard.value
        'OPAQUE'
        """
        plain = plain_text(text, "contract id", 36)
        try:
            contract = _structured(plain)
        except IdentifierError:
            if not opaque or not _visible(plain):
                raise
            upper = plain.upper()
            return cls(upper, ContractStandard.OPAQUE, None, upper, None, None, plain)
        if strict and contract.check_digit_ok is False:
            raise IdentifierError(
                "check_digit",
                f"contract id: the check digit is {contract.check_digit}, "
                f"expected {contract.expected_check_digit}",
            )
        return contract

    @property
    def display(self) -> str:
        """With separators, and with the check digit if one was sent: `NL-TNM-000122045-U`."""
        if self.provider is None:
            return self.as_received
        check = f"-{self.check_digit}" if self.check_digit else ""
        return f"{self.provider.display}-{self.instance}{check}"

    @property
    def key_without_check_digit(self) -> str:
        """The key that is the same whether or not the check digit was sent.

        >>> ContractId.parse("NL-TNM-000122045-U").key_without_check_digit
        'NLTNM000122045'
        """
        return self.key if self.provider is None else self.provider.key + self.instance

    @property
    def expected_check_digit(self) -> str | None:
        """The one character that fits; None for an opaque id."""
        if self.standard is ContractStandard.ISO:
            return iso_check_digit(self.key_without_check_digit)
        if self.standard is ContractStandard.DIN:
            return din_check_digit(self.key_without_check_digit)
        return None

    @property
    def is_emi3(self) -> bool:
        """An ISO id in the form that eMI3 prescribes: the instance begins with C."""
        return self.standard is ContractStandard.ISO and self.instance.startswith("C")

    @property
    def masked(self) -> str:
        """For those whom the contract does not concern: the provider and the last two characters.

        >>> ContractId.parse("NL-TNM-000122045-U").masked
        'NL-TNM-*******45'
        """
        head = f"{self.provider.display}-" if self.provider else ""
        shown = self.instance[-2:] if len(self.instance) >= 6 else ""
        return f"{head}{'*' * (len(self.instance) - len(shown))}{shown}"

    def to_iso(self) -> ContractId:
        """The ISO 15118 form: DIN becomes instance `00` + 6 + DIN check digit; ISO stays itself.

        >>> ContractId.parse("NL-TNM-012204-5").to_iso().display
        'NL-TNM-000122045-U'
        """
        return self if self.standard is ContractStandard.ISO else self._from_din("00")

    def to_emi3(self) -> ContractId:
        """The eMI3 form: instance `C0` + 6 + DIN check digit; by way of DIN where needed.

        IdentifierError `not_convertible` for an ISO id that never was a DIN id.

        >>> ContractId.parse("NL-TNM-012204-5").to_emi3().display
        'NL-TNM-C00122045-K'
        """
        return self if self.is_emi3 else self.to_din()._from_din("C0")

    def to_din(self) -> ContractId:
        """The DIN form of an ISO id `00...` or `C0...` whose last character is DIN's check digit.

        IdentifierError `not_convertible` for every other id.

        >>> ContractId.parse("NL-TNM-C00122045-K").to_din().display
        'NL-TNM-012204-5'
        """
        if self.standard is ContractStandard.DIN:
            return self
        if self.provider is None or self.instance[:2] not in ("00", "C0"):
            raise _not_convertible("only ISO ids that begin with 00 or C0 have a DIN form")
        if self.check_digit_ok is False:
            raise _not_convertible("its check digit is wrong")
        instance, check = self.instance[2:8], self.instance[8]
        if din_check_digit(self.provider.key + instance) != check:
            raise _not_convertible("its last character is not a DIN check digit")
        return _converted(self, ContractStandard.DIN, instance, check)

    def _from_din(self, prefix: str) -> ContractId:
        if self.provider is None or self.expected_check_digit is None:
            raise _not_convertible("it is opaque")
        if self.check_digit_ok is False:
            raise _not_convertible("its check digit is wrong")
        instance = prefix + self.instance + self.expected_check_digit
        check = iso_check_digit(self.provider.key + instance)
        return _converted(self, ContractStandard.ISO, instance, check)

    def __repr__(self) -> str:
        return f"ContractId({self.masked!r}, {self.standard.value})"


def _structured(text: str) -> ContractId:
    match, standard = _ISO.fullmatch(text), ContractStandard.ISO
    if match is None:
        match, standard = _DIN.fullmatch(text), ContractStandard.DIN
    if match is None:
        raise syntax_error(text, "contract id", _EXPECTED)
    provider = _provider(match[1], match[2], match[4])
    bare = provider.key + (instance := match[5].upper())
    if match[6] is None:
        return ContractId(bare, standard, provider, instance, None, None, text)
    check = match[6].upper()
    fits = iso_check_digit if standard is ContractStandard.ISO else din_check_digit
    return ContractId(bare + check, standard, provider, instance, check, fits(bare) == check, text)


@lru_cache(maxsize=4096)
def _provider(text: str, land: str, code: str) -> ProviderId:
    """The provider in a contract id: the only part of it that names no person, and may be kept."""
    land, code = country(land, "contract id"), code.upper()
    return ProviderId(land + code, land, code, text)


def _converted(
    source: ContractId, standard: ContractStandard, instance: str, check: str
) -> ContractId:
    assert source.provider is not None
    key = source.provider.key + instance + check
    return ContractId(
        key, standard, source.provider, instance, check, True, source.as_received, synthesised=True
    )


def _not_convertible(reason: str) -> IdentifierError:
    return IdentifierError("not_convertible", f"contract id: cannot be converted, {reason}")


def _visible(text: str) -> bool:
    return text.isprintable() and " " not in text
