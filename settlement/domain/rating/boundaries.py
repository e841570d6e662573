"""Where inside a stretch a restriction can change its answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from settlement.domain.rating.restrictions import CRUMB_KWH
from settlement.domain.rating.stretches import ZERO, Session, Stretch

_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_LAST_MINUTE = 24 * 60 - 1
# Beyond this nobody works out a proportion.
_MOST_CUTS = 5000


class Cut(NamedTuple):
    """A point inside a stretch: the instant in UTC, and the kWh consumed in the stretch by then."""

    moment: datetime
    energy_kwh: Decimal


Cuts = dict[Fraction, Cut]


class TooManyCutsError(Exception):
    """The periods are too long, or the tariff has too many boundaries, to split them."""


def suspects_of(session: Session) -> list[Stretch]:
    """The stretches inside which a boundary may lie: quick, misses none, `cuts_inside` tells."""
    suspects: list[Stretch] = []
    following: datetime | None = None  # the local time at which the stretch ends
    clock_changes: bool | None = None
    for stretch in reversed(session.stretches):
        plan = stretch.plan
        if plan.asks_local_time:
            end = following or stretch.end.astimezone(plan.time_zone)
            if clock_changes is None:
                clock_changes = _clock_changes_inside(session, end)
            if _clock_boundary_inside(stretch, end) or (
                clock_changes and _offset_at_start(stretch) != end.utcoffset()
            ):
                suspects.append(stretch)
        if plan.asks_meters and _meter_boundary_inside(stretch):
            suspects.append(stretch)
        following = stretch.local
    return suspects


def _clock_changes_inside(session: Session, local_end: datetime) -> bool:
    """Whether the offset from UTC may change; it does not do so twice within a week."""
    if session.end - session.start > _WEEK:
        return True
    return _offset_at_start(session.stretches[0]) != local_end.utcoffset()


def _offset_at_start(stretch: Stretch) -> timedelta | None:
    local = stretch.local or stretch.start.astimezone(stretch.plan.time_zone)
    return local.utcoffset()


def _clock_boundary_inside(stretch: Stretch, end: datetime) -> bool:
    """Whether local time passes a boundary after the start and before the end."""
    passed = stretch.plan.boundaries_until
    last = end.hour * 60 + end.minute
    if not (end.second or end.microsecond):
        last -= 1  # a boundary at the very end is where the next stretch starts
    days = end.toordinal() - stretch.ordinal
    return passed[last] - passed[stretch.minute] + days * passed[_LAST_MINUTE] > 0


def _meter_boundary_inside(stretch: Stretch) -> bool:
    """Whether the session's energy or duration passes a boundary."""
    plan = stretch.plan
    if plan.boundary_energies_kwh and "ENERGY" in stretch.volumes:
        energy = stretch.energy_before
        after = energy + stretch.volumes["ENERGY"]
        if any(energy < level < after for level in plan.boundary_energies_kwh):
            return True
    if plan.boundary_durations:
        elapsed = stretch.elapsed
        after_all = elapsed + (stretch.end - stretch.start)
        return any(elapsed < duration < after_all for duration in plan.boundary_durations)
    return False


def cuts_of(suspects: Sequence[Stretch]) -> dict[int, Cuts]:
    """The cuts of each stretch that has any, by its period. Raises TooManyCutsError."""
    if sum(_most_cuts(stretch) for stretch in suspects) > _MOST_CUTS:
        raise TooManyCutsError
    cuts = {stretch.period: cuts_inside(stretch) for stretch in suspects}
    return {period: inside for period, inside in sorted(cuts.items()) if inside}


def _most_cuts(stretch: Stretch) -> int:
    plan = stretch.plan
    days = (stretch.end - stretch.start).days + 2
    return (
        days * (len(plan.boundary_minutes) + 1)
        + len(plan.boundary_energies_kwh)
        + len(plan.boundary_durations)
    )


def cuts_inside(stretch: Stretch) -> Cuts:
    """Every boundary strictly inside, by its share of the way."""
    cuts: Cuts = {}
    length = (stretch.end - stretch.start) // _MICROSECOND
    energy = stretch.volumes.get("ENERGY", ZERO)
    for moment in (*_clock_cuts(stretch), *_duration_cuts(stretch)):
        if stretch.start < moment < stretch.end:
            point = Fraction((moment - stretch.start) // _MICROSECOND, length)
            cuts[point] = Cut(moment, energy * point.numerator / point.denominator)
    for level in stretch.plan.boundary_energies_kwh:
        used = level - stretch.energy_before
        if CRUMB_KWH < used < energy - CRUMB_KWH:
            point = Fraction(used) / Fraction(energy)
            offset = timedelta(microseconds=int(length * point))
            cuts[point] = Cut(stretch.start + offset, used)
    return cuts


def _duration_cuts(stretch: Stretch) -> Iterator[datetime]:
    for duration in stretch.plan.boundary_durations:
        if stretch.elapsed < duration < stretch.elapsed + (stretch.end - stretch.start):
            yield stretch.start + (duration - stretch.elapsed)


def _clock_cuts(stretch: Stretch) -> Iterator[datetime]:
    """The local times of day in both folds, and the clock changes, where local time jumps."""
    plan = stretch.plan
    if not plan.asks_local_time:
        return
    day = stretch.start.astimezone(plan.time_zone).date()
    last = stretch.end.astimezone(plan.time_zone).date()
    while day <= last:
        for minute in plan.boundary_minutes:
            clock = time(minute // 60, minute % 60)
            for fold in (0, 1):
                wall = datetime.combine(day, clock, plan.time_zone).replace(fold=fold)
                yield wall.astimezone(UTC)
        day += _DAY
    yield from _clock_changes(stretch)


def _clock_changes(stretch: Stretch) -> Iterator[datetime]:
    """The instants at which the zone's offset from UTC changes, to the second."""
    zone = stretch.plan.time_zone
    step = timedelta(hours=6)
    low = stretch.start
    while low < stretch.end:
        high = min(low + step, stretch.end)
        if low.astimezone(zone).utcoffset() != high.astimezone(zone).utcoffset():
            yield _change_between(stretch, low, high)
        low = high


def _change_between(stretch: Stretch, low: datetime, high: datetime) -> datetime:
    zone = stretch.plan.time_zone
    before = low.astimezone(zone).utcoffset()
    first, last = int(low.timestamp()), int(high.timestamp()) + 1
    while last - first > 1:
        middle = (first + last) // 2
        if datetime.fromtimestamp(middle, UTC).astimezone(zone).utcoffset() == before:
            first = middle
        else:
            last = middle
    return datetime.fromtimestamp(last, UTC)
