"""Charging periods: what a session consumed, in order (Annex B; OCPI mod_cdrs).

A period ends where the next one starts; the last one ends with the session.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

from roaming.domain.tariff.decoding import AwareTime

# What a tariff can price, by the dimension that carries it. Everything else describes the period.
CONSUMED = ("ENERGY", "TIME", "PARKING_TIME", "RESERVATION_TIME")

# Powers of ten: beyond 999,999,999 nothing is real, and binary crumbs of zero are not this small.
_LEAST_MAGNITUDE, _MOST_MAGNITUDE = -40, 9


class Dimension(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a period: kWh for ENERGY, hours for the times, A and kW for the limits.

    `type` is any of OCPI's (MIN_CURRENT, MAX_CURRENT, MIN_POWER, MAX_POWER, CURRENT, POWER,
    STATE_OF_CHARGE, ...) or a party's own: what rating does not read, it does not judge.
    """

    type: str
    volume: Decimal

    def __post_init__(self) -> None:
        if not self.volume.is_finite():
            raise ValueError("`volume` is not a finite number")
        # The magnitude, which costs a tenth of a comparison: this runs for every number of an SDR.
        if not _LEAST_MAGNITUDE < self.volume.adjusted() < _MOST_MAGNITUDE:
            raise ValueError("`volume` is out of range")


class ChargingPeriod(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stretch of the session in which nothing changed that matters for its price."""

    start_date_time: AwareTime
    dimensions: Annotated[tuple[Dimension, ...], msgspec.Meta(max_length=100)] = ()
    tariff_id: str | None = None
