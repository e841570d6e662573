"""Money: the digits of a currency, one way to round, one way to split (settlement.md, 2 and 5).

Amounts are `Decimal`, never float. Inside a calculation nothing is rounded; `round_money` is called
once per SDR, and everything above it is an exact sum of what it returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from functools import lru_cache

from babel.numbers import is_currency

# ISO 4217:2015 with its amendments: the minor units that are not 2. The tables of CLDR, which babel
# reads, give what people write on a till (no decimals in Serbia), not what is booked.
_MINOR_UNITS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"), 0
    ),
    **dict.fromkeys(("VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


class UnknownCurrencyError(ValueError):
    """The code is not one of ISO 4217 (three capital letters)."""


class Rounding(StrEnum):
    """How an agreement rounds the total of an SDR; both are found in the field."""

    HALF_UP = "HALF_UP"
    CEILING = "CEILING"


# Wide enough for any sum: a quantity that does not fit its context would raise.
_WIDE = Context(prec=100)
_MODES = {Rounding.HALF_UP: ROUND_HALF_UP, Rounding.CEILING: ROUND_CEILING}


@lru_cache(maxsize=512)
def currency_digits(currency: str) -> int:
    """The digits after the point of a currency's minor unit (ISO 4217).

    Raises UnknownCurrencyError.

    >>> currency_digits("EUR"), currency_digits("JPY"), currency_digits("KWD")
    (2, 0, 3)
    """
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise UnknownCurrencyError(f"{currency[:20]!r} is not a currency code of ISO 4217")
    if not is_currency(currency):
        raise UnknownCurrencyError(f"{currency} is not a currency code of ISO 4217")
    return _MINOR_UNITS.get(currency, 2)


@lru_cache(maxsize=512)
def minor_unit(currency: str) -> Decimal:
    """The smallest amount that can be paid. Raises UnknownCurrencyError.

    >>> minor_unit("EUR")
    Decimal('0.01')
    """
    return Decimal(1).scaleb(-currency_digits(currency))


def round_money(amount: Decimal, currency: str, rounding: Rounding = Rounding.HALF_UP) -> Decimal:
    """An amount at the currency's digits. Raises UnknownCurrencyError.

    HALF_UP rounds a half away from zero, CEILING towards plus infinity.

    >>> round_money(Decimal("5.625"), "EUR"), round_money(Decimal("5.621"), "EUR", Rounding.CEILING)
    (Decimal('5.63'), Decimal('5.63'))
    """
    rounded = amount.quantize(minor_unit(currency), _MODES[rounding], _WIDE)
    return rounded if rounded else abs(rounded)  # never "-0.00"


def split_money(
    amount: Decimal, weights: Sequence[Decimal | int], currency: str
) -> tuple[Decimal, ...]:
    """An amount in parts as the weights, each payable, whose sum is the amount (largest remainder).

    The units that are left after rounding down go to the largest remainders, the first on a tie.
    Raises ValueError when the amount is not payable in the currency, when a weight is negative, or
    when all are zero.

    >>> split_money(Decimal("10.00"), [1, 1, 1], "EUR")
    (Decimal('3.34'), Decimal('3.33'), Decimal('3.33'))
    """
    unit = minor_unit(currency)
    if amount != amount.quantize(unit, context=_WIDE):
        raise ValueError(f"{amount} {currency} is finer than {unit} {currency}")
    shares = [Decimal(weight) for weight in weights]
    whole = sum(shares, Decimal(0))
    if any(share < 0 for share in shares) or not whole > 0:
        raise ValueError("weights are zero or more, and not all zero")
    units = int(abs(amount) / unit)
    exact = [divmod(units * share, whole) for share in shares]
    counts = [int(quotient) for quotient, _ in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: exact[i][1], reverse=True)
    for index in by_remainder[: units - sum(counts)]:
        counts[index] += 1
    parts = tuple((count if amount >= 0 else -count) * unit for count in counts)
    assert sum(parts) == amount, "the parts of a split add up to the whole"
    return parts
