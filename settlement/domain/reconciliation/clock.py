"""TIM and DAT of the body: local times exist, and the periods cover the session."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from settlement.domain.reconciliation.body import BodyCase
from settlement.domain.reconciliation.case import Verdict, seconds_between, utc_text


def no_such_local_time(case: BodyCase) -> Verdict | None:
    """TIM-10: an offset that the zone does not have at that moment, or a time that it skips.

    A time in UTC is right in every zone.
    """
    zone = case.time_zone
    if zone is None:
        return None
    for moment in _moments(case):
        if moment.tzinfo is None:
            if _skipped(moment, zone):
                return Verdict(moment.isoformat(), f"a time that {zone.key} has", None, ("gap",))
            continue
        offset = moment.utcoffset()
        if not offset:
            continue
        right = moment.astimezone(zone)
        if offset != right.utcoffset():
            return Verdict(
                moment.isoformat(), f"{right.isoformat()} in {zone.key}", None, ("offset",)
            )
    return None


def _moments(case: BodyCase) -> Iterator[datetime]:
    for moment in (case.stated.start_date_time, case.stated.end_date_time):
        if moment is not None and moment.tzinfo is not UTC:
            yield moment
    for period in case.periods:
        if period.start_date_time.tzinfo is not UTC:
            yield period.start_date_time


def _skipped(moment: datetime, zone: ZoneInfo) -> bool:
    """
    >>> _skipped(datetime(2026, 3, 29, 2, 30), ZoneInfo("Europe/Berlin"))
    True
    """
    there = moment.replace(tzinfo=zone)
    return there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment


def starts_without_period(case: BodyCase) -> Verdict | None:
    """DAT-07: the first period begins later than the session by more than the tolerance."""
    if not case.periods:
        return None
    first = min(period.start_date_time for period in case.periods)
    allowed = case.tolerances.for_rule("DAT-07", case.tolerances.time)
    if seconds_between(case.started_at, first) <= allowed.absolute:
        return None
    return Verdict(
        f"first period at {utc_text(first)}",
        f"a period from the start at {utc_text(case.started_at)}",
        None,
    )
