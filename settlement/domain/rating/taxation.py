"""What a tariff says of tax on a component's price, in 2.2.1 and in 2.3.0.

| tariff | component | amount before tax | amount after tax |
|---|---|---|---|
| 2.2.1 (no `tax_included`) | `vat` r | price | price x (1 + r) |
| 2.2.1 | `vat` omitted: no VAT applicable | price | price |
| 2.3.0 NO | rates r | price | price x (1 + sum of r) |
| 2.3.0 YES | rates r | price / (1 + sum of r) | price |
| 2.3.0 NO or YES | none, though other components of the tariff state theirs | price | price |
| 2.3.0 NO | none in the whole tariff: added later by local law | price | not known |
| 2.3.0 YES | none in the whole tariff: contained, rate unknown | at most the price | price |
| 2.3.0 N/A | whatever is stated | price | price |

The last but one is the North American example of OCPI 2.3.0: "all taxes that are due are included".
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from roaming.domain.tariff import PriceComponent, Tariff
from settlement.domain.rating.findings import states_a_rate

_HUNDRED = Decimal(100)
_ONE = Decimal(1)


class Rate(NamedTuple):
    """One tax: its name and percent of the amount before tax."""

    name: str
    percentage: Decimal


class Taxability(Enum):
    """How the price of a component stands to tax."""

    NONE = "no tax is applicable"
    ADDED = "the price is before tax"
    CONTAINED = "the price is after tax"
    UNKNOWN_ADDED = "taxes are added, at rates that the tariff does not state"
    UNKNOWN_CONTAINED = "taxes are contained, at rates that the tariff does not state"


_UNKNOWN = (Taxability.UNKNOWN_ADDED, Taxability.UNKNOWN_CONTAINED)


class Taxation(NamedTuple):
    """`factor` is 1 + the sum of the rates."""

    kind: Taxability
    rates: tuple[Rate, ...]
    factor: Decimal


def taxation_of(tariff: Tariff, component: PriceComponent) -> Taxation:
    """What is to be done with the amounts of this component; see the table above."""
    if tariff.tax_included == "N/A":
        return Taxation(Taxability.NONE, (), _ONE)
    rates = _rates(component)
    if rates is None or (not rates and tariff.tax_included and not states_a_rate(tariff)):
        contained = tariff.tax_included == "YES"
        unknown = Taxability.UNKNOWN_CONTAINED if contained else Taxability.UNKNOWN_ADDED
        return Taxation(unknown, (), _ONE)
    if not rates:
        return Taxation(Taxability.NONE, (), _ONE)
    kind = Taxability.CONTAINED if tariff.tax_included == "YES" else Taxability.ADDED
    factor = _ONE + sum((rate.percentage for rate in rates), Decimal(0)) / _HUNDRED
    return Taxation(kind, rates, factor)


def leaves_rates_open(tariff: Tariff) -> bool:
    """Whether a component's taxes are due at rates that the tariff does not state."""
    return any(
        taxation_of(tariff, component).kind in _UNKNOWN
        for element in tariff.elements
        for component in element.price_components
    )


def tax_of(amount_before_tax: Decimal, rate: Rate) -> Decimal:
    """The amount of one tax, unrounded.

    >>> tax_of(Decimal("5"), Rate("VAT", Decimal("20")))
    Decimal('1')
    """
    return amount_before_tax * rate.percentage / _HUNDRED


def _rates(component: PriceComponent) -> tuple[Rate, ...] | None:
    """The rates stated, () where none is, None where a tax is named without its percentage.

    A list of taxes is the whole list: `vat` beside it would be the same tax a second time.
    """
    if not component.taxes:
        return () if component.vat is None else (Rate("VAT", component.vat),)
    rates = []
    for tax in component.taxes:
        if tax.percentage is None:
            return None
        rates.append(Rate(tax.name, tax.percentage))
    return tuple(rates)
