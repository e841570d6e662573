"""The body of one SDR beside what rating made of it: what the rules of the body look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from roaming.domain.charging_periods import ChargingPeriod
from roaming.domain.sdr import Cost, MeterData
from settlement.domain.rating import PricedSdr
from settlement.domain.reconciliation.case import seconds_between
from settlement.domain.reconciliation.tolerances import NO_TOLERANCE, ZERO, Tolerances

SECONDS_PER_HOUR = Decimal(3600)


class Stated(msgspec.Struct, frozen=True, kw_only=True):
    """What the SDR states beside what it is rated by; names and units are those of the message."""

    start_date_time: datetime | None = None
    end_date_time: datetime | None = None
    total_energy: Decimal | None = None
    total_cost: Cost | None = None
    total_energy_cost: Cost | None = None
    total_fixed_cost: Cost | None = None
    total_time_cost: Cost | None = None
    total_parking_cost: Cost | None = None
    total_reservation_cost: Cost | None = None
    total_reservation_time: Decimal | None = None
    meter_start: Decimal | None = None
    meter_end: Decimal | None = None
    meter_data: MeterData | None = None

    def sub_totals(self) -> Iterator[tuple[str, Cost]]:
        """The kinds of cost that are stated, by the names that rating gives them."""
        for kind, cost in (
            ("energy", self.total_energy_cost),
            ("fixed", self.total_fixed_cost),
            ("time", self.total_time_cost),
            ("parking", self.total_parking_cost),
            ("reservation", self.total_reservation_cost),
        ):
            if cost is not None:
                yield kind, cost


_DECODER = msgspec.json.Decoder(Stated)


def read_stated(rated_part: str) -> Stated | None:
    """None where it cannot be read: then there is nothing to judge but what rating said.

    >>> read_stated('{"meter_start": 1.50}').meter_start
    Decimal('1.50')
    """
    try:
        return _DECODER.decode(rated_part)
    except msgspec.DecodeError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyCase:
    """All that the rules of the body look at. Times are aware, energy in kWh, power in kW.

    `periods` is empty and `priced` None where the body could not be read or rated.
    `max_power_kw`: of the connector, as its CSO published it. `connector_unknown`: the EVSE is
    published, without a connector of that id. `requires_signed_meter_data`: by the agreement.
    """

    stated: Stated
    started_at: datetime
    ended_at: datetime
    energy_kwh: Decimal
    before_tax: Decimal
    currency: str
    time_zone: ZoneInfo | None = None
    periods: tuple[ChargingPeriod, ...] = ()
    priced: PricedSdr | None = None
    max_power_kw: Decimal | None = None
    connector_id: str = ""
    connector_unknown: bool = False
    requires_signed_meter_data: bool = False
    tolerances: Tolerances = NO_TOLERANCE

    @property
    def reserved(self) -> bool:
        """Whether it charges for a reservation, which is a service of its own."""
        cost, time = self.stated.total_reservation_cost, self.stated.total_reservation_time
        return bool(
            (cost is not None and cost.before_tax)
            or time
            or any(
                dimension.type == "RESERVATION_TIME" and dimension.volume
                for period in self.periods
                for dimension in period.dimensions
            )
        )

    @property
    def hours(self) -> Decimal:
        """How long the session lasted, never less than 0."""
        return hours_between(self.started_at, self.ended_at)

    def lasting_periods(self) -> Iterator[tuple[ChargingPeriod, Decimal]]:
        """Each period in the order of time, with its hours."""
        ordered = sorted(self.periods, key=_start)
        for number, period in enumerate(ordered):
            last = number + 1 == len(ordered)
            end = self.ended_at if last else ordered[number + 1].start_date_time
            yield period, hours_between(period.start_date_time, end)


def hours_between(start: datetime, end: datetime) -> Decimal:
    """Never less than 0.

    >>> from datetime import UTC
    >>> hours_between(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 1, 30, tzinfo=UTC))
    Decimal('1.5')
    """
    return max(seconds_between(start, end), ZERO) / SECONDS_PER_HOUR


def _start(period: ChargingPeriod) -> datetime:
    return period.start_date_time
