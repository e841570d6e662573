"""A session as stretches: one per charging period, with everything that a restriction may ask."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from roaming.domain.charging_periods import CONSUMED, ChargingPeriod
from settlement.domain.rating.not_ratable import Cause, NotRatable
from settlement.domain.rating.period_order import in_order
from settlement.domain.rating.sdr_to_rate import SdrToRate

if TYPE_CHECKING:
    from settlement.domain.rating.plan import TariffPlan

ZERO = Decimal(0)
_EARLIEST, _LATEST = 1970, 2200

Volumes = dict[str, Decimal]


class Stretch(msgspec.Struct, gc=False):
    """The state at `start`, which prices all that was consumed until `end`. Times are in UTC.

    `energy_before` is the session's energy so far in kWh, `elapsed` its duration so far: negative
    where the period starts before its session, which restrictions take for 0. `charging` and
    `reserving` say whose components apply: the session's, the reservation's, or both. `local`, and
    the minute, day and weekday derived from it, are set where the tariff asks for local time.
    """

    period: int
    plan: TariffPlan
    start: datetime
    end: datetime
    volumes: Volumes
    energy_before: Decimal
    elapsed: timedelta
    charging: bool = True
    reserving: bool = False
    local: datetime | None = None
    minute: int = 0
    ordinal: int = 0
    weekday: int = 0

    def look_at_clock(self) -> None:
        """Set the local time, where the tariff asks for it."""
        plan = self.plan
        if plan.asks_local_time:
            self.local = local = self.start.astimezone(plan.time_zone)
            self.minute = local.hour * 60 + local.minute
            self.ordinal = local.toordinal()
            if plan.asks_weekday:
                self.weekday = local.weekday()


class Session(msgspec.Struct, gc=False):
    """All stretches of one SDR in the order of time, from the first start to the last end.

    `expired` where a reservation was not followed by a session, `odd` where the SDR has periods out
    of order or outside its session.
    """

    stretches: list[Stretch]
    start: datetime
    end: datetime
    expired: bool
    odd: bool = False


def session_of(sdr: SdrToRate, plans: Sequence[TariffPlan]) -> Session:
    """The SDR's periods as stretches, the n-th priced by the n-th plan.

    Taken in the order of time, wherever the session starts and ends: `odd_periods` tells. Raises
    NotRatable for times that no session can have.
    """
    start, end = session_limits(sdr)
    first, last = start, end
    odd = reserved = False
    energy = ZERO
    stretches: list[Stretch] = []
    previous: Stretch | None = None
    for index, period in in_order(sdr):
        begin = period.start_date_time
        outside = not start <= begin <= end
        if outside or begin.tzinfo is not UTC:
            begin = in_utc(f"charging_periods[{index}].start_date_time", begin)
            first, last = min(begin, first), max(begin, last)
        if outside or index != len(stretches):
            odd = True
        if previous is not None:
            previous.end = begin
        volumes = volumes_of(period)
        previous = Stretch(index, plans[index], begin, last, volumes, energy, begin - start)
        previous.look_at_clock()
        stretches.append(previous)
        if "ENERGY" in volumes:
            energy += volumes["ENERGY"]
        if volumes.get("RESERVATION_TIME"):
            reserved = True
    expired = reserved and _part_reservation_and_session(stretches)
    return Session(stretches, first, last, expired, odd)


def session_limits(sdr: SdrToRate) -> tuple[datetime, datetime]:
    """Start and end in UTC. Raises NotRatable where they are no times that a session can have."""
    start = in_utc("start_date_time", sdr.start_date_time)
    end = in_utc("end_date_time", sdr.end_date_time)
    if end < start:
        detail = f"the session ends at {end.isoformat()}, before its start at {start.isoformat()}"
        raise NotRatable(Cause.END_BEFORE_START, "end_date_time", detail)
    return start, end


def in_utc(field: str, moment: datetime) -> datetime:
    """The same instant in UTC, where differences are durations. Raises NotRatable."""
    zone = moment.tzinfo
    if zone is None or not _EARLIEST <= moment.year <= _LATEST:
        raise NotRatable(Cause.TIME_OUT_OF_RANGE, field, f"{moment.isoformat()} is no usable time")
    return moment if zone is UTC else moment.astimezone(UTC)


def volumes_of(period: ChargingPeriod) -> Volumes:
    """What the period's dimensions say, by type; what is given twice is added up."""
    dimensions = period.dimensions
    volumes = {dimension.type: dimension.volume for dimension in dimensions}
    if len(volumes) < len(dimensions):
        for kind in volumes:
            several = [dimension.volume for dimension in dimensions if dimension.type == kind]
            if kind in CONSUMED:
                volumes[kind] = sum(several, ZERO)
            else:
                volumes[kind] = min(several) if kind.startswith("MIN_") else max(several)
    return volumes


def _part_reservation_and_session(stretches: list[Stretch]) -> bool:
    """Mark which stretches are reservation and which are session; True where it expired.

    The duration of a session does not count the reservation before it: min_duration and
    max_duration are of the "Charging Session", and OCPI has the reservation "before the start of a
    session" (mod_cdrs, start_date_time) until "the driver starts charging" (mod_tariffs).
    """
    expired = not any(stretch.volumes.get(kind) for stretch in stretches for kind in CONSUMED[:3])
    before: timedelta | None = None
    for stretch in stretches:
        stretch.reserving = bool(stretch.volumes.get("RESERVATION_TIME"))
        others = any(stretch.volumes.get(kind) for kind in CONSUMED[:3])
        stretch.charging = not expired and (others or not stretch.reserving)
        if stretch.charging:
            before = stretch.elapsed if before is None else before
            stretch.elapsed -= before
    return expired
