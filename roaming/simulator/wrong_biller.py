"""The operator that bills wrongly: plants mistakes in a small share of the SDRs, and says which.

The plan is drawn once from a seed over the whole month, so that every platform process draws the
same one. Each mistake is worth more than the tolerances of the agreements: at least ten cents of
money, or half a kilowatt-hour, or a rule that knows no tolerance.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum

from roaming.simulator.billing import (
    Amount,
    Bill,
    Costs,
    bill,
    bill_by,
    component_at,
    rounded,
    steps_up,
)
from roaming.simulator.generator import GRID_S
from roaming.simulator.network import Network
from roaming.simulator.planned_session import PlannedSession

LEAST_MONEY = Decimal("0.10")
LEAST_ENERGY_KWH = Decimal("0.5")
LEAST_OVERLAP_S = 300
MOST_MOVED = timedelta(hours=24)
LATE_BY = timedelta(hours=24)


class Mistake(StrEnum):
    """What is wrong with an SDR. `family` is the family of rules that should find it."""

    ENERGY_NOT_SUM = "energy_not_sum"
    OLD_TARIFF = "old_tariff"
    STEP_TWICE = "step_twice"
    ROUNDED_PER_PERIOD = "rounded_per_period"
    BILLED_TWICE = "billed_twice"
    UNKNOWN_SESSION = "unknown_session"
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 - a kind of mistake, no secret
    OVERLAP = "overlap"
    LATE = "late"

    @property
    def family(self) -> str:
        return _FAMILIES[self]

    @property
    def announced(self) -> bool:
        """False: the clearing house hears of the session only from the SDR."""
        return self not in (Mistake.UNKNOWN_SESSION, Mistake.UNKNOWN_TOKEN)


_FAMILIES = {
    Mistake.ENERGY_NOT_SUM: "QTY",
    Mistake.OLD_TARIFF: "PRC",
    Mistake.STEP_TWICE: "PRC",
    Mistake.ROUNDED_PER_PERIOD: "PRC",
    Mistake.BILLED_TWICE: "DUP",
    Mistake.UNKNOWN_SESSION: "AUT",
    Mistake.UNKNOWN_TOKEN: "AUT",
    Mistake.OVERLAP: "TIM",
    Mistake.LATE: "TIM",
}


@dataclass(frozen=True, slots=True)
class Planted:
    """One mistake, and the money before tax that it claims wrongly.

    `at_stake` is the difference to the right claim, either way, or the whole claim where that is
    right in itself but not payable (a second time, unauthorised, overlapping, late).
    """

    reference: str
    mistake: Mistake
    at_stake: Decimal
    other_reference: str | None = None
    """OVERLAP: the session of the same EVSE that this one is moved into."""
    moved_by: timedelta = timedelta(0)
    held_back: timedelta = timedelta(0)
    """LATE: how long after the session's end the SDR is sent."""


class _Month:
    """What a mistake needs to know of the other sessions."""

    def __init__(self, sessions: list[PlannedSession], network: Network) -> None:
        self.network = network
        self.last_end = max(session.end for session in sessions)
        self.before_at_evse: dict[str, PlannedSession] = {}
        self.of_driver: dict[str, list[PlannedSession]] = {}
        last_at: dict[str, PlannedSession] = {}
        for session in sessions:
            if session.evse_id in last_at:
                self.before_at_evse[session.reference] = last_at[session.evse_id]
            last_at[session.evse_id] = session
            self.of_driver.setdefault(session.token_uid, []).append(session)


def plant(
    sessions: list[PlannedSession],
    network: Network,
    seed: int,
    share: Decimal = Decimal("0.03"),
) -> dict[str, Planted]:
    """The mistakes of a month by session reference: `share` of the sessions, all kinds in turn.

    A kind that fits no remaining session is left out. A session that an overlap is moved into stays
    correct itself.
    """
    wanted = int((len(sessions) * share).to_integral_value(ROUND_CEILING))
    if not wanted:
        return {}
    rng = random.Random(f"mistakes {seed}")  # noqa: S311 - a repeatable world, no secret
    month = _Month(sessions, network)
    shuffled = rng.sample(sessions, len(sessions))
    # Each kind walks the same list at its own pace: what did not fit once never will.
    sources = {mistake: _fitting(mistake, shuffled, month) for mistake in Mistake}
    planted: dict[str, Planted] = {}
    touched: set[str] = set()
    while len(planted) < wanted and sources:
        for mistake, source in list(sources.items()):
            found = next((p for p in source if not touched & _sessions_of(p)), None)
            if found is None:
                del sources[mistake]
            elif len(planted) < wanted:
                planted[found.reference] = found
                touched |= _sessions_of(found)
    return planted


def _sessions_of(planted: Planted) -> set[str]:
    return {planted.reference, planted.other_reference or planted.reference}


def _fitting(mistake: Mistake, sessions: list[PlannedSession], month: _Month) -> Iterator[Planted]:
    """The mistake made with each session where it can be made and is worth finding."""
    for session in sessions:
        planted = _fit(mistake, session, month)
        if planted is not None and planted.at_stake >= LEAST_MONEY:
            yield planted


def _fit(mistake: Mistake, session: PlannedSession, month: _Month) -> Planted | None:
    """The mistake made with this session, or None where it cannot be made."""
    if mistake is Mistake.OVERLAP:
        return _overlap(session, month)
    right = bill(session, month.network)
    claim = rounded(right.costs.total.before_tax)
    if mistake is Mistake.LATE:
        terms = month.network.agreement_by_pair[session.cso, session.csp]
        held_back = timedelta(hours=terms.sdr_window_hours) + LATE_BY
        if session.end + held_back > month.last_end:
            return None
        return Planted(session.reference, mistake, claim, held_back=held_back)
    if mistake not in WRONG_BILLS:
        return Planted(session.reference, mistake, claim)
    wrong = WRONG_BILLS[mistake](right, month.network)
    if wrong is None:
        return None
    too_much = rounded(wrong.costs.total.before_tax) - claim
    return Planted(session.reference, mistake, abs(too_much))


def _overlap(session: PlannedSession, month: _Month) -> Planted | None:
    """Moved back, so that it begins in the middle of the session before at the same EVSE."""
    previous = month.before_at_evse.get(session.reference)
    if previous is None:
        return None
    half_s = int((previous.end - previous.start).total_seconds()) // 2 // GRID_S * GRID_S
    moved_by = previous.start + timedelta(seconds=half_s) - session.start
    if half_s < LEAST_OVERLAP_S or -moved_by > MOST_MOVED:
        return None
    claimed = moved(session, moved_by)
    for other in month.of_driver[session.token_uid]:
        if other is not session and other.start < claimed.end and claimed.start < other.end:
            return None
    claim = rounded(bill(claimed, month.network).costs.total.before_tax)
    return Planted(session.reference, Mistake.OVERLAP, claim, previous.reference, moved_by)


def moved(session: PlannedSession, by: timedelta) -> PlannedSession:
    """The same session at another time."""
    return replace(
        session,
        start=session.start + by,
        end_of_charging=session.end_of_charging + by,
        end=session.end + by,
    )


def energy_not_sum(right: Bill, network: Network) -> Bill | None:
    """A tenth more energy, at least half a kWh, claimed and billed than the periods add up to."""
    elements, zone = right.tariff.body["elements"], right.place.zone
    extra = max(LEAST_ENERGY_KWH, (right.session.energy_kwh / 10).quantize(LEAST_ENERGY_KWH))
    last = [s for s in right.stretches if s.charging][-1]
    component = component_at(elements, "ENERGY", last.start.astimezone(zone))
    if component is None:
        return None
    session = replace(right.session, energy_kwh=right.session.energy_kwh + extra)
    costs = replace(right.costs, energy=right.costs.energy + Amount.of(extra, component))
    return replace(right, session=session, costs=costs)


def old_tariff(right: Bill, network: Network) -> Bill | None:
    """Billed by the version that the one in force had replaced."""
    older = next(network.older_versions(right.tariff), None)
    return bill_by(right.session, right.place, older) if older else None


def step_twice(right: Bill, network: Network) -> Bill | None:
    """A whole step of parking, or else of energy, on top of the total that is rounded already."""
    last = right.stretches[-1]
    kind, per_unit = ("ENERGY", 1000) if last.charging else ("PARKING_TIME", 3600)
    component = component_at(
        right.tariff.body["elements"], kind, last.start.astimezone(right.place.zone)
    )
    if component is None or component["step_size"] <= 1:
        return None
    once_more = Amount.of(Decimal(component["step_size"]) / per_unit, component)
    if last.charging:
        return replace(right, costs=replace(right.costs, energy=right.costs.energy + once_more))
    return replace(right, costs=replace(right.costs, parking=right.costs.parking + once_more))


def rounded_per_period(right: Bill, network: Network) -> Bill | None:
    """The step of the energy applied to each period instead of once to the session."""
    elements, zone = right.tariff.body["elements"], right.place.zone
    energy = Amount()
    for stretch in right.stretches:
        component = component_at(elements, "ENERGY", stretch.start.astimezone(zone))
        if stretch.charging and component is not None:
            volume = steps_up(stretch.energy_kwh, component["step_size"], 1000)
            energy += Amount.of(volume, component)
    costs = Costs(energy, right.costs.fixed, right.costs.parking)
    return replace(right, costs=costs)


WRONG_BILLS: dict[Mistake, Callable[[Bill, Network], Bill | None]] = {
    Mistake.ENERGY_NOT_SUM: energy_not_sum,
    Mistake.OLD_TARIFF: old_tariff,
    Mistake.STEP_TWICE: step_twice,
    Mistake.ROUNDED_PER_PERIOD: rounded_per_period,
}
