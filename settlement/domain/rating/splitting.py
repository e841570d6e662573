"""Restriction boundaries inside a period, and what splitting the period at them would cost.

OCPI obliges the CSO to start a period wherever another component becomes active. Where it did not,
the state at the period's start prices the whole period, and a finding says what the split would
give: volumes in proportion to time, energy rising evenly.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from roaming.domain.charging_periods import CONSUMED
from roaming.domain.sdr import Severity
from settlement.domain.rating.boundaries import Cuts, TooManyCutsError, cuts_of, suspects_of
from settlement.domain.rating.findings import RatingFinding
from settlement.domain.rating.not_ratable import NotRatable
from settlement.domain.rating.priced import PricedLine
from settlement.domain.rating.pricing import Pricing, price_session
from settlement.domain.rating.stretches import ZERO, Session, Stretch, Volumes

CODE = "boundary_inside_period"


def findings_inside_periods(session: Session, priced: Pricing) -> tuple[RatingFinding, ...]:
    """One PRC finding where the active components change inside periods, else none."""
    suspects = suspects_of(session)
    if not suspects:
        return ()
    try:
        cuts = cuts_of(suspects)
    except TooManyCutsError:
        return (_finding(sorted({s.period for s in suspects}), (), priced, None),)
    if not cuts:
        return ()
    divided = _divided(session, cuts)
    parts = divided.stretches
    try:
        split = price_session(divided)
    except NotRatable:
        return (_finding(cuts, _moments(parts, cuts), priced, None),)
    as_given, as_split = _components(priced.lines), _components(split.lines)
    changed = [period for period in cuts if as_given.get(period) != as_split.get(period)]
    if not changed:
        return ()
    return (_finding(changed, _moments(parts, changed), priced, split.total.before_tax),)


def split_session(session: Session) -> Session:
    """The session with a stretch of its own from each boundary on; itself where there is none.

    Raises TooManyCutsError.
    """
    cuts = cuts_of(suspects_of(session))
    return _divided(session, cuts) if cuts else session


def _divided(session: Session, cuts: dict[int, Cuts]) -> Session:
    parts = [part for stretch in session.stretches for part in _parts(stretch, cuts)]
    return Session(parts, session.start, session.end, session.expired)


def _parts(stretch: Stretch, cuts: dict[int, Cuts]) -> list[Stretch]:
    """The stretch itself, or its parts between the cuts."""
    inside = cuts.get(stretch.period)
    if not inside:
        return [stretch]
    points = [Fraction(0), *sorted(inside), Fraction(1)]
    moments = [stretch.start, *(inside[point].moment for point in points[1:-1]), stretch.end]
    energy = stretch.volumes.get("ENERGY", ZERO)
    levels = [ZERO, *(inside[point].energy_kwh for point in points[1:-1]), energy]
    parts = []
    for number in range(len(points) - 1):
        part = Stretch(
            stretch.period,
            stretch.plan,
            moments[number],
            moments[number + 1],
            _share(stretch.volumes, points[number], points[number + 1]),
            stretch.energy_before + levels[number],
            stretch.elapsed + (moments[number] - stretch.start),
            stretch.charging,
            stretch.reserving,
        )
        part.look_at_clock()
        if "ENERGY" in part.volumes:
            part.volumes["ENERGY"] = levels[number + 1] - levels[number]
        parts.append(part)
    return parts


def _share(volumes: Volumes, start: Fraction, end: Fraction) -> Volumes:
    """What is consumed between two points of a period; limits of current and power stay."""
    return {
        kind: _at(volume, end) - _at(volume, start) if kind in CONSUMED else volume
        for kind, volume in volumes.items()
    }


def _at(volume: Decimal, point: Fraction) -> Decimal:
    return volume * point.numerator / point.denominator


def _components(lines: Iterable[PricedLine]) -> dict[int, set[tuple[str, int]]]:
    found: dict[int, set[tuple[str, int]]] = {}
    for line in lines:
        found.setdefault(line.period, set()).add((line.dimension, id(line.component)))
    return found


def _moments(parts: list[Stretch], periods: Iterable[int]) -> list[datetime]:
    """Where the periods were cut, in the site's local time."""
    wanted = set(periods)
    return [
        part.start.astimezone(part.plan.time_zone)
        for before, part in pairwise(parts)
        if part.period == before.period and part.period in wanted
    ]


def _finding(
    periods: Iterable[int], moments: Iterable[datetime], priced: Pricing, total: Decimal | None
) -> RatingFinding:
    numbers = tuple(periods)
    detail = f"the price changes inside period {', '.join(str(n + 1) for n in numbers)}"
    places = [moment.isoformat(timespec="seconds") for moment in moments]
    if places:
        more = ", ..." if len(places) > 5 else ""
        detail += f" (boundaries at {', '.join(places[:5])}{more})"
    detail += "; the state at its start priced all of it"
    stake = None if total is None else priced.total.before_tax - total
    return RatingFinding("PRC", CODE, Severity.WARNING, detail, numbers, total, stake)
