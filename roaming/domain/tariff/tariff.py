"""The tariff as a whole, and the reading of one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from roaming.domain.money import UnknownCurrencyError, currency_digits
from roaming.domain.tariff.decoding import AwareTime, ContentError, decode, read_as_utc
from roaming.domain.tariff.elements import TariffElement
from roaming.domain.tariff.price import Price

TaxIncluded = Literal["YES", "NO", "N/A"]


class InvalidTariffError(ContentError):
    """A tariff that cannot be read."""

    what = "tariff"


class Tariff(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of a tariff.

    `tax_included` is None in 2.2.1, where prices are before tax. `start_date_time` is inclusive,
    `end_date_time` exclusive.
    """

    id: str
    currency: str
    elements: Annotated[tuple[TariffElement, ...], msgspec.Meta(min_length=1, max_length=1000)]
    country_code: str | None = None
    party_id: str | None = None
    type: str | None = None
    min_price: Price | None = None
    max_price: Price | None = None
    tax_included: TaxIncluded | None = None
    start_date_time: AwareTime | None = None
    end_date_time: AwareTime | None = None
    last_updated: str | None = None

    def __post_init__(self) -> None:
        try:
            currency_digits(self.currency)
        except UnknownCurrencyError as unknown:
            raise ValueError(f"`currency` {unknown}") from None


class OcpiTariff(Tariff, frozen=True, kw_only=True):
    """The same from OCPI, where a time without offset is UTC."""

    start_date_time: datetime | None = None
    end_date_time: datetime | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        read_as_utc(self, "start_date_time", "end_date_time")


_DECODER = msgspec.json.Decoder(Tariff)
_OCPI_DECODER = msgspec.json.Decoder(OcpiTariff)


def parse_tariff(content: bytes | str | Mapping[str, Any]) -> Tariff:
    """A tariff from JSON or from a mapping, 2.2.1 or 2.3.0; unknown fields are ignored.

    Raises InvalidTariffError, a ValueError, whose `field` is the path of what is wrong.

    >>> tariff = parse_tariff(
    ...     '{"id": "16", "currency": "EUR", "elements": [{"price_components":'
    ...     ' [{"type": "ENERGY", "price": 0.25, "vat": 10.0, "step_size": 1}]}]}'
    ... )
    >>> tariff.elements[0].price_components[0].price
    Decimal('0.25')
    """
    return decode(_DECODER, content, InvalidTariffError)


def parse_ocpi_tariff(content: bytes | str | Mapping[str, Any]) -> Tariff:
    """As `parse_tariff`, but a time without offset is UTC, as OCPI says."""
    return decode(_OCPI_DECODER, content, InvalidTariffError)
