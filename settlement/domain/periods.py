"""Settlement periods on a calendar: by day, week or month in one time zone (settlement.md, 5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from roaming.domain.time_zones import find_zone

Cycle = Literal["daily", "weekly", "monthly"]


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` (inclusive) to `end` (exclusive), aware, UTC; `label` sorts and names files."""

    start: datetime
    end: datetime
    label: str


def period_holding(cycle: Cycle, time_zone: str, moment: datetime) -> Period:
    """The period of a calendar that holds `moment` (aware). Weeks begin on Monday.

    A period begins and ends at local midnight, so that the day on which clocks change has 23 or 25
    hours. Raises ZoneInfoNotFoundError for an unknown zone.

    >>> late = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    >>> november = period_holding("monthly", "Europe/Berlin", late)
    >>> november.label, november.start.isoformat(), (november.end - november.start).days
    ('2026-11', '2026-10-31T23:00:00+00:00', 30)
    """
    zone = find_zone(time_zone)
    if zone is None:
        raise ZoneInfoNotFoundError(f"No time zone found with key {time_zone}")
    first, following, label = _days(cycle, moment.astimezone(zone).date())
    return Period(_midnight(first, zone), _midnight(following, zone), label)


def _days(cycle: Cycle, day: date) -> tuple[date, date, str]:
    if cycle == "daily":
        return day, day + timedelta(days=1), day.isoformat()
    if cycle == "weekly":
        monday = day - timedelta(days=day.weekday())
        year, week, _ = monday.isocalendar()
        return monday, monday + timedelta(days=7), f"{year}-W{week:02}"
    first = day.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return first, following, f"{first:%Y-%m}"


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day; where clocks jump over midnight, the jump itself."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
