"""Charging periods in time: their order, and those that no session can have."""

from __future__ import annotations

from datetime import datetime

from roaming.domain.charging_periods import ChargingPeriod
from settlement.domain.rating.findings import RatingFinding, price_warning
from settlement.domain.rating.sdr_to_rate import SdrToRate


def in_order(sdr: SdrToRate) -> list[tuple[int, ChargingPeriod]]:
    """The periods in the order of time, each with its place in the SDR, which orders equal ones."""
    return sorted(enumerate(sdr.charging_periods), key=_start)


def odd_periods(sdr: SdrToRate) -> list[RatingFinding]:
    """Periods outside the session or out of order: they are rated, since people would know how."""
    starts = [period.start_date_time for period in sdr.charging_periods]
    first, last = sdr.start_date_time, sdr.end_date_time
    odd = []
    outside = tuple(i for i, start in enumerate(starts) if not first <= start <= last)
    if outside:
        detail = f"outside the session starts {_named(outside)}; duration before it counts as 0"
        odd.append(price_warning("periods_outside_session", detail, outside))
    late = tuple(i for i in range(1, len(starts)) if starts[i] < starts[i - 1])
    if late:
        detail = f"before the one in front starts {_named(late)}; rated in the order of time"
        odd.append(price_warning("periods_not_in_order", detail, late))
    return odd


def _start(numbered: tuple[int, ChargingPeriod]) -> datetime:
    return numbered[1].start_date_time


def _named(periods: tuple[int, ...]) -> str:
    more = ", ..." if len(periods) > 5 else ""
    return f"period {', '.join(str(index + 1) for index in periods[:5])}{more}"
