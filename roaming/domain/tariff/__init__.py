"""OCPI's tariff vocabulary, 2.2.1 and 2.3.0, as values (UC2-1; settlement.md, section 2).

It is the language in which operators publish prices, so it is ours. Reading is tolerant of unknown
fields and of both versions' shapes, and strict about everything that makes the price.
"""

from roaming.domain.tariff.decoding import ContentError
from roaming.domain.tariff.elements import (
    ComponentType,
    PriceComponent,
    Reservation,
    TariffElement,
    TariffRestrictions,
    TaxRate,
    Weekday,
)
from roaming.domain.tariff.price import Price, TaxAmount
from roaming.domain.tariff.tariff import (
    InvalidTariffError,
    Tariff,
    TaxIncluded,
    parse_ocpi_tariff,
    parse_tariff,
)
from roaming.domain.tariff.versions import Asked, Version, in_force

__all__ = [
    "Asked",
    "ComponentType",
    "ContentError",
    "InvalidTariffError",
    "Price",
    "PriceComponent",
    "Reservation",
    "Tariff",
    "TariffElement",
    "TariffRestrictions",
    "TaxAmount",
    "TaxIncluded",
    "TaxRate",
    "Version",
    "Weekday",
    "in_force",
    "parse_ocpi_tariff",
    "parse_tariff",
]
