"""What an operator bills for a session: periods, prices, totals; an honest one unless told else.

Amounts are exact Decimals and are rounded once per SDR, half up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from roaming.simulator.manner import HONEST, Manner, Which
from roaming.simulator.network import Network, Place, TariffVersion
from roaming.simulator.planned_session import PlannedSession
from roaming.simulator.prices import Amount, Costs, Json, NotBilledError, Stretch, payable, price

WH = Decimal("0.001")
LEAST_ENERGY_KWH = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Bill:
    """Everything that stands on an SDR, before it is written."""

    session: PlannedSession
    place: Place
    tariff: TariffVersion
    stretches: tuple[Stretch, ...]
    costs: Costs
    manner: Manner = HONEST

    @property
    def claimed(self) -> Amount:
        """The total as it is claimed, in cents."""
        return payable(self.costs.total, self.manner)


def bill(session: PlannedSession, network: Network, manner: Manner = HONEST) -> Bill:
    """The bill, by the tariff in force when the session started, or by one that was not.

    NotBilledError where the session cannot be billed in this manner.
    """
    place = network.places[session.evse_id]
    tariff_id = place.evse.connector(session.connector_id).tariff_id
    in_force = network.tariff_in_force(tariff_id, session.start, session.csp)
    tariff = _chosen(in_force, session, network, manner.tariff)
    if tariff is None:
        raise NotBilledError(f"there is no {manner.tariff.value} version")
    return bill_by(session, place, tariff, manner)


def bill_by(
    session: PlannedSession, place: Place, tariff: TariffVersion, manner: Manner = HONEST
) -> Bill:
    """The bill by a given version of the tariff. Raises what `price` raises."""
    stretches = tuple(split(session, tariff.body["elements"], place.zone))
    added = _too_much_of(session) if manner.energy_added else Decimal(0)
    costs = price(stretches, tariff.body, place.zone, manner, added)
    billed = replace(session, energy_kwh=session.energy_kwh + added)
    return Bill(billed, place, tariff, stretches, costs, manner)


def _chosen(
    in_force: TariffVersion, session: PlannedSession, network: Network, which: Which
) -> TariffVersion | None:
    if which is Which.OLDER:
        return next(network.older_versions(in_force), None)
    if which is Which.LATER:
        return next(network.later_versions(in_force, session.start), None)
    if which is Which.GENERAL:
        individual = in_force.home_csp is not None
        return network.tariff_in_force(in_force.tariff_id, session.start) if individual else None
    if which is Which.INDIVIDUAL:
        general = in_force.home_csp is None
        return network.announced_for(in_force, session.csp, session.start) if general else None
    return in_force


def _too_much_of(session: PlannedSession) -> Decimal:
    """A tenth more energy, at least half a kWh."""
    return max(LEAST_ENERGY_KWH, (session.energy_kwh / 10).quantize(LEAST_ENERGY_KWH))


def split(session: PlannedSession, elements: list[Json], zone: ZoneInfo) -> list[Stretch]:
    """The session cut at the end of charging and wherever the tariff may switch.

    Energy is shared out by time, to the Wh; the last charging stretch takes the remainder.
    """
    cuts = _switches(session, elements, zone)
    stretches = []
    whole_s = int((session.end_of_charging - session.start).total_seconds())
    passed_s, given_kwh = 0, Decimal(0)
    for start, end in _between(session.start, session.end_of_charging, cuts):
        passed_s += int((end - start).total_seconds())
        reached = session.energy_kwh
        if end < session.end_of_charging:
            reached = (session.energy_kwh * passed_s / whole_s) // WH * WH
        stretches.append(Stretch(start, end, True, reached - given_kwh))
        given_kwh = reached
    for start, end in _between(session.end_of_charging, session.end, cuts):
        stretches.append(Stretch(start, end, False, Decimal(0)))
    return stretches


def _switches(session: PlannedSession, elements: list[Json], zone: ZoneInfo) -> list[datetime]:
    """Every instant (UTC) in the session's days at which a restriction may begin or end to hold."""
    clocks: set[time] = set()
    for element in elements:
        restrictions = element.get("restrictions", {})
        for name in ("start_time", "end_time"):
            if name in restrictions:
                clocks.add(time.fromisoformat(restrictions[name]))
        if "day_of_week" in restrictions:
            clocks.add(time(0))
    day = session.start.astimezone(zone).date()
    last = session.end.astimezone(zone).date()
    cuts: list[datetime] = []
    while day <= last:
        cuts += [datetime.combine(day, clock, zone).astimezone(UTC) for clock in sorted(clocks)]
        day += timedelta(days=1)
    return cuts


def _between(
    start: datetime, end: datetime, cuts: list[datetime]
) -> Iterator[tuple[datetime, datetime]]:
    """The pieces of start..end; nothing where it is empty."""
    if start < end:
        yield from pairwise([start, *(cut for cut in cuts if start < cut < end), end])
