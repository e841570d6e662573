"""What rating reads of an SDR; the field names are the same in OCPI's CDR and the native SDR."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec

from roaming.domain.charging_periods import ChargingPeriod, OcpiChargingPeriod
from roaming.domain.tariff.decoding import AwareTime, decode, read_as_utc
from settlement.domain.rating.not_ratable import InvalidSdrError


class SdrToRate(msgspec.Struct, frozen=True, kw_only=True):
    """The input of `rate`. What the SDR claims (totals, costs) is not here: it proves nothing.

    `tariffs` is the SDR's own snapshot, read only when a period is priced by it.
    """

    start_date_time: AwareTime
    end_date_time: AwareTime
    currency: str
    charging_periods: Annotated[tuple[ChargingPeriod, ...], msgspec.Meta(max_length=10_000)]
    tariffs: Annotated[tuple[msgspec.Raw, ...], msgspec.Meta(max_length=100)] | None = None
    tariff_id: str | None = None


class OcpiCdr(SdrToRate, frozen=True, kw_only=True):
    """The same from OCPI, where a time without offset is UTC."""

    start_date_time: datetime
    end_date_time: datetime
    charging_periods: Annotated[tuple[OcpiChargingPeriod, ...], msgspec.Meta(max_length=10_000)]

    def __post_init__(self) -> None:
        read_as_utc(self, "start_date_time", "end_date_time")


_DECODER = msgspec.json.Decoder(SdrToRate)
_OCPI_DECODER = msgspec.json.Decoder(OcpiCdr)


def parse_sdr(content: bytes | str | Mapping[str, Any]) -> SdrToRate:
    """A native SDR, as JSON or as a mapping; other fields are ignored.

    Raises InvalidSdrError, a ValueError, whose `field` is the path of what is wrong.

    >>> sdr = parse_sdr(
    ...     '{"start_date_time": "2019-02-04T10:00:00Z", "end_date_time": "2019-02-04T11:00:00Z",'
    ...     ' "currency": "EUR", "charging_periods": [{"start_date_time": "2019-02-04T10:00:00Z",'
    ...     ' "dimensions": [{"type": "ENERGY", "volume": 20}]}]}'
    ... )
    >>> sdr.charging_periods[0].dimensions[0].volume
    Decimal('20')
    """
    return decode(_DECODER, content, InvalidSdrError)


def parse_ocpi_cdr(content: bytes | str | Mapping[str, Any]) -> SdrToRate:
    """As `parse_sdr`, but a time without offset is UTC, as OCPI says."""
    return decode(_OCPI_DECODER, content, InvalidSdrError)
