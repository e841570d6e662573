"""Charging periods: what a session consumed, in order (Annex B; OCPI mod_cdrs).

A period ends where the next one starts; the last one ends with the session.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from roaming.domain.tariff.decoding import AwareTime, read_as_utc

# What a tariff can price, by the dimension that carries it. Everything else describes the period.
CONSUMED = ("ENERGY", "TIME", "PARKING_TIME", "RESERVATION_TIME")
# Every type that rating reads. In small letters they mean the same; else they would cost nothing.
_READ = frozenset({*CONSUMED, "MIN_CURRENT", "MAX_CURRENT", "MIN_POWER", "MAX_POWER"})

# Powers of ten: beyond 999,999,999 nothing is real, and binary crumbs of zero are not this small.
_LEAST_MAGNITUDE, _MOST_MAGNITUDE = -40, 9


class Dimension(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a period: kWh for ENERGY, hours for the times, A and kW for the limits.

    `type` is any of OCPI's (MIN_CURRENT, MAX_CURRENT, MIN_POWER, MAX_POWER, CURRENT, POWER,
    STATE_OF_CHARGE, ...) or a party's own: what rating does not read, it does not judge.

    >>> Dimension(type="energy", volume=Decimal(1)).type
    'ENERGY'
    """

    type: str
    volume: Decimal

    def __post_init__(self) -> None:
        if not self.volume.is_finite():
            raise ValueError("`volume` is not a finite number")
        # The magnitude, which costs a tenth of a comparison: this runs for every number of an SDR.
        if not _LEAST_MAGNITUDE < self.volume.adjusted() < _MOST_MAGNITUDE:
            raise ValueError("`volume` is out of range")
        if self.type not in _READ and self.type.isascii() and self.type.upper() in _READ:
            msgspec.structs.force_setattr(self, "type", self.type.upper())


class ChargingPeriod(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stretch of the session in which nothing changed that matters for its price."""

    start_date_time: AwareTime
    dimensions: Annotated[tuple[Dimension, ...], msgspec.Meta(max_length=100)] = ()
    tariff_id: str | None = None


class OcpiChargingPeriod(ChargingPeriod, frozen=True, kw_only=True):
    """The same from OCPI, where a time without offset is UTC."""

    start_date_time: datetime

    def __post_init__(self) -> None:
        read_as_utc(self, "start_date_time")
