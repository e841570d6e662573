"""Comparing a party's totals of a day with ours, and narrowing a difference down to SDRs.

Where the party lists its SDRs the difference is exact. Where it gives figures alone, SDRs are
looked for whose count, energy and amount together are the difference: one such set explains it,
several are candidates, and the search is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations, islice
from typing import NamedTuple

ZERO = Decimal(0)
# Sets of at most three SDRs are tried, of three only among so many; more than ten are not told.
MOST_IN_A_SET = 3
MOST_FOR_TRIPLES = 400
MOST_SETS = 10


@dataclass(frozen=True, slots=True)
class Totals:
    """Count, kWh, amount before tax.

    >>> Totals(2, Decimal(40), Decimal(20)) - Totals(1, Decimal(20), Decimal(10))
    Totals(count=1, energy_kwh=Decimal('20'), before_tax=Decimal('10'))
    """

    count: int
    energy_kwh: Decimal
    before_tax: Decimal

    def __sub__(self, other: Totals) -> Totals:
        return Totals(
            self.count - other.count,
            self.energy_kwh - other.energy_kwh,
            self.before_tax - other.before_tax,
        )

    def __neg__(self) -> Totals:
        return Totals(-self.count, -self.energy_kwh, -self.before_tax)

    @property
    def is_nothing(self) -> bool:
        return not (self.count or self.energy_kwh or self.before_tax)


class Counted(NamedTuple):
    """An SDR as it counts. None: the party does not say."""

    reference: str
    energy_kwh: Decimal | None
    before_tax: Decimal | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """References of SDRs. `missing_there`: counted here alone; `missing_here`: there alone;
    `differing`: counted by both with other values. `exact`: they are the difference, not merely one
    of several sets that could be; then each of `candidates` is such a set."""

    exact: bool = False
    missing_there: tuple[str, ...] = ()
    missing_here: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    candidates: tuple[tuple[str, ...], ...] = ()


def total_of(counted: Iterable[Counted]) -> Totals:
    """The sum of SDRs of which everything is known.

    >>> total_of([Counted("A", Decimal(1), Decimal(2)), Counted("B", Decimal(3), Decimal(4))])
    Totals(count=2, energy_kwh=Decimal('4'), before_tax=Decimal('6'))
    """
    count, energy, amount = 0, ZERO, ZERO
    for sdr in counted:
        count += 1
        energy += sdr.energy_kwh or ZERO
        amount += sdr.before_tax or ZERO
    return Totals(count, energy, amount)


def explain_listed(here: Iterable[Counted], there: Iterable[Counted]) -> Explanation:
    """The SDRs in which two lists differ.

    >>> ours = [Counted("A", Decimal(1), Decimal(2)), Counted("B", Decimal(3), Decimal(4))]
    >>> theirs = [Counted("A", Decimal(1), Decimal(3)), Counted("C", None, None)]
    >>> found = explain_listed(ours, theirs)
    >>> found.missing_there, found.missing_here, found.differing
    (('B',), ('C',), ('A',))
    """
    ours = {sdr.reference: sdr for sdr in here}
    theirs = {sdr.reference: sdr for sdr in there}
    return Explanation(
        exact=True,
        missing_there=tuple(sorted(ours.keys() - theirs.keys())),
        missing_here=tuple(sorted(theirs.keys() - ours.keys())),
        differing=tuple(
            sorted(ref for ref in ours.keys() & theirs.keys() if _differ(ours[ref], theirs[ref]))
        ),
    )


def _differ(ours: Counted, theirs: Counted) -> bool:
    return (theirs.energy_kwh is not None and theirs.energy_kwh != ours.energy_kwh) or (
        theirs.before_tax is not None and theirs.before_tax != ours.before_tax
    )


def explain_figures(
    difference: Totals, here: Sequence[Counted], nearby: Sequence[Counted]
) -> Explanation:
    """The SDRs that may be the difference (ours less theirs).

    Where we count more they are looked for among those counted `here`; where we count less, among
    those `nearby` that are not counted: rejected ones, and those of the days around.
    """
    more = difference.count > 0
    if not difference.count:
        return Explanation()
    sought = difference if more else -difference
    found = list(_sets(sought, here if more else nearby))
    if len(found) != 1:
        return Explanation(candidates=tuple(found))
    (only,) = found
    if more:
        return Explanation(exact=True, missing_there=only)
    return Explanation(exact=True, missing_here=only)


def _sets(sought: Totals, among: Sequence[Counted]) -> Iterator[tuple[str, ...]]:
    """At most MOST_SETS sets of SDRs that come to what is sought."""
    if sought.count > MOST_IN_A_SET or (
        sought.count == MOST_IN_A_SET and len(among) > MOST_FOR_TRIPLES
    ):
        return
    by_value: dict[tuple[Decimal, Decimal], list[int]] = {}
    for place, sdr in enumerate(among):
        by_value.setdefault(_value(sdr), []).append(place)
    for chosen in islice(_places(sought, among, by_value), MOST_SETS):
        yield tuple(sorted(among[place].reference for place in chosen))


def _places(
    sought: Totals,
    among: Sequence[Counted],
    by_value: Mapping[tuple[Decimal, Decimal], list[int]],
) -> Iterator[tuple[int, ...]]:
    """All but the last are tried; what the last has to be is looked up."""
    for chosen in combinations(range(len(among)), sought.count - 1):
        energy = sum((among[n].energy_kwh or ZERO for n in chosen), ZERO)
        amount = sum((among[n].before_tax or ZERO for n in chosen), ZERO)
        rest = (sought.energy_kwh - energy, sought.before_tax - amount)
        for last in by_value.get(rest, ()):
            if not chosen or last > chosen[-1]:
                yield (*chosen, last)


def _value(sdr: Counted) -> tuple[Decimal, Decimal]:
    return (sdr.energy_kwh or ZERO, sdr.before_tax or ZERO)
