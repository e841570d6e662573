"""Legal data of an operator, checked as it is typed: VAT ids, LEI, IBAN and BIC.

Each function returns the form that is kept and raises LegalDataError with a sentence for the person
who typed it. Sources: the VAT forms of each country (python-stdnum; EU: council directive 2006/112,
article 215), ISO 17442 (LEI), ISO 13616 and the SWIFT registry (IBAN), ISO 9362 (BIC).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException
from stdnum import get_cc_module, lei
from stdnum.eu.vat import MEMBER_STATES
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError

from roaming.domain.identifiers import COUNTRIES

_SPACES = re.compile(r"[\s.\-]")
# VAT prefixes that are not the country's ISO code.
_PREFIX = {"GR": "EL"}
_LEI = re.compile(r"[A-Z0-9]{20}")
_UNKNOWN_COUNTRY_VAT = re.compile(r"[A-Z0-9]{2,20}")


class LegalDataError(ValueError):
    """What is wrong with a number; the text says what was expected."""


@dataclass(frozen=True, slots=True)
class Iban:
    """An IBAN without blanks, with the BIC and the bank's name where the registry has them."""

    number: str
    bic: str
    bank: str


def check_country(text: str) -> str:
    """ISO 3166-1 alpha-2, upper case.

    >>> check_country("de")
    'DE'
    """
    code = text.strip().upper()
    if code not in COUNTRIES:
        raise LegalDataError("No country has this code: two letters, ISO 3166-1, such as DE.")
    return code


def check_vat(country: str, number: str) -> str:
    """A VAT id with its prefix, check digits verified where the country has them.

    >>> check_vat("DE", "136 695 976")
    'DE136695976'
    >>> check_vat("DE", "DE136695977")
    Traceback (most recent call last):
    roaming.domain.legal_data.LegalDataError: The check digit of this VAT id is wrong.
    """
    country = check_country(country)
    plain = _SPACES.sub("", number).upper()
    prefix = _PREFIX.get(country, country)
    module = get_cc_module(country.lower(), "vat")
    if module is None:
        if not _UNKNOWN_COUNTRY_VAT.fullmatch(plain):
            raise LegalDataError("A VAT id has 2 to 20 letters and digits.")
        return plain
    try:
        kept: str = module.validate(plain)
    except ValidationError as error:
        raise LegalDataError(_wrong_vat(country, error)) from error
    # Inside the EU the check strips the prefix; elsewhere it may belong to the number (CHE-...).
    strips_it = country.lower() in MEMBER_STATES
    return prefix + kept if strips_it or not kept.startswith(prefix) else kept


def check_lei(text: str) -> str:
    """A legal entity identifier, 20 characters.

    >>> check_lei("5299 00T8BM49AURSDO55")
    '529900T8BM49AURSDO55'
    """
    plain = _SPACES.sub("", text).upper()
    if not _LEI.fullmatch(plain):
        raise LegalDataError("An LEI has 20 letters and digits.")
    try:
        return str(lei.validate(plain))
    except ValidationError as error:
        raise LegalDataError("The check digit of this LEI is wrong.") from error


def check_iban(text: str) -> Iban:
    """An IBAN: length and form of its country, check digits.

    >>> check_iban("DE89 3704 0044 0532 0130 00")
    Iban(number='DE89370400440532013000', bic='COBADEFFXXX', bank='Commerzbank')
    """
    try:
        iban = IBAN(text.strip())
    except SchwiftyException as error:
        raise LegalDataError(f"This is no IBAN: {_sentence(error)}") from error
    bic = iban.bic
    return Iban(str(iban.compact), str(bic.compact) if bic else "", str(iban.bank_name or ""))


def check_bic(text: str) -> str:
    """A BIC of 8 or 11 characters.

    >>> check_bic("cobadeffxxx")
    'COBADEFFXXX'
    """
    try:
        return str(BIC(text.strip().upper()).compact)
    except SchwiftyException as error:
        raise LegalDataError(f"This is no BIC: {_sentence(error)}") from error


def _wrong_vat(country: str, error: ValidationError) -> str:
    if isinstance(error, InvalidChecksum):
        return "The check digit of this VAT id is wrong."
    what = "length" if isinstance(error, InvalidLength) else "form"
    return f"A VAT id of {country} has another {what}."


def _sentence(error: Exception) -> str:
    text = str(error).rstrip(".")
    return f"{text[:1].lower()}{text[1:]}." if text else "it has another form."
