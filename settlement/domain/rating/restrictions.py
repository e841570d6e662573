"""A tariff element's restrictions, compiled: tests of a stretch, and the boundaries they draw.

All that is given must hold, at the instant at which the stretch starts, in the site's local time.
Times, dates, energy and durations are inclusive at their lower end and exclusive at the upper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from roaming.domain.tariff import TariffRestrictions
from settlement.domain.rating.not_ratable import Cause, NotRatable
from settlement.domain.rating.stretches import Stretch

Test = Callable[[Stretch], bool]

# A sum of volumes this near below a limit in kWh has reached it: binary fractions leave such gaps.
CRUMB_KWH = Decimal("1E-9")
_END_OF_DAY = 24 * 60
_WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


@dataclass(slots=True)
class Boundaries:
    """Where a test can change its answer inside a stretch: minutes of the day, kWh, durations."""

    minutes: set[int] = field(default_factory=set)
    energies_kwh: set[Decimal] = field(default_factory=set)
    durations: set[timedelta] = field(default_factory=set)


def compile_restrictions(
    restrictions: TariffRestrictions | None, boundaries: Boundaries
) -> Test | None:
    """One test for all that is given, None where nothing is; its boundaries are added."""
    if restrictions is None:
        return None
    # The limits of current and power come last: what they need is only missed when all else holds.
    tests = [
        *_times_of_day(restrictions, boundaries),
        *_days(restrictions, boundaries),
        *_energies(restrictions, boundaries),
        *_durations(restrictions, boundaries),
        *_limits(restrictions),
    ]
    if restrictions.booking is not None:
        return _never  # it prices a booking, which no SDR of ours contains
    if len(tests) < 2:
        return tests[0] if tests else None
    both = tuple(tests)

    def all_hold(stretch: Stretch) -> bool:
        for test in both:  # noqa: SIM110  measured: all() with a generator takes twice as long
            if not test(stretch):
                return False
        return True

    return all_hold


def _never(stretch: Stretch) -> bool:
    return False


def _times_of_day(given: TariffRestrictions, boundaries: Boundaries) -> Iterator[Test]:
    """`end_time` before `start_time` wraps midnight; 00:00 as end is the end of the day."""
    if given.start_time is None and given.end_time is None:
        return
    start = _minutes(given.start_time or "00:00")
    end = _minutes(given.end_time or "00:00") or _END_OF_DAY
    boundaries.minutes |= {start, end % _END_OF_DAY}
    if end < start:
        yield lambda stretch: stretch.minute >= start or stretch.minute < end
    else:
        yield lambda stretch: start <= stretch.minute < end


def _days(given: TariffRestrictions, boundaries: Boundaries) -> Iterator[Test]:
    """The local day of the instant, also after midnight of a window that wraps."""
    if given.day_of_week:
        days = frozenset(_WEEKDAYS.index(day) for day in given.day_of_week)
        yield lambda stretch: stretch.weekday in days
    if given.start_date is not None:
        first = given.start_date.toordinal()
        yield lambda stretch: stretch.ordinal >= first
    if given.end_date is not None:
        after = given.end_date.toordinal()
        yield lambda stretch: stretch.ordinal < after
    if given.day_of_week or given.start_date or given.end_date:
        boundaries.minutes.add(0)


def _energies(given: TariffRestrictions, boundaries: Boundaries) -> Iterator[Test]:
    if given.min_kwh is not None:
        least = given.min_kwh - CRUMB_KWH
        boundaries.energies_kwh.add(given.min_kwh)
        yield lambda stretch: stretch.energy_before >= least
    if given.max_kwh is not None:
        most = given.max_kwh - CRUMB_KWH
        boundaries.energies_kwh.add(given.max_kwh)
        yield lambda stretch: stretch.energy_before < most


def _durations(given: TariffRestrictions, boundaries: Boundaries) -> Iterator[Test]:
    """A duration is 0 or more, so that limits of 0 hold always or never."""
    if given.min_duration is not None and given.min_duration > 0:
        least = timedelta(microseconds=int(given.min_duration * 1_000_000))
        boundaries.durations.add(least)
        yield lambda stretch: stretch.elapsed >= least
    if given.max_duration is not None and given.max_duration <= 0:
        yield _never
    elif given.max_duration is not None:
        most = timedelta(microseconds=int(given.max_duration * 1_000_000))
        boundaries.durations.add(most)
        yield lambda stretch: stretch.elapsed < most


def _limits(given: TariffRestrictions) -> Iterator[Test]:
    """Current and power at that moment: at least the minimum, less than the maximum."""
    for quantity in ("current", "power"):
        least = getattr(given, f"min_{quantity}")
        if least is not None:
            yield _at_least(f"MIN_{quantity.upper()}", least)
        most = getattr(given, f"max_{quantity}")
        if most is not None:
            yield _below(f"MAX_{quantity.upper()}", most)


def _at_least(kind: str, least: Decimal) -> Test:
    return lambda stretch: _needed(stretch, kind) >= least


def _below(kind: str, most: Decimal) -> Test:
    return lambda stretch: _needed(stretch, kind) < most


def _needed(stretch: Stretch, kind: str) -> Decimal:
    """Without the dimension nobody can say whether the limit holds: that is not a mismatch."""
    volume = stretch.volumes.get(kind)
    if volume is None:
        raise NotRatable(
            Cause.DIMENSION_MISSING,
            f"charging_periods[{stretch.period}].dimensions",
            f"period {stretch.period + 1} has no {kind}, on which tariff"
            f" {stretch.plan.tariff_id} depends",
        )
    return volume


def _minutes(time_of_day: str) -> int:
    return int(time_of_day[:2]) * 60 + int(time_of_day[3:])
