"""What an honest operator bills for a session: periods, prices, totals.

Arithmetic of the operators' own, for the tariff shapes of the demo: ENERGY, FLAT and PARKING_TIME
prices, restricted by time of day and day of week, with step sizes. Amounts are exact Decimals and
are rounded once per SDR, half up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from roaming.simulator.network import Network, Place, TariffVersion
from roaming.simulator.planned_session import PlannedSession

Json = dict[str, Any]

WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
UNDERSTOOD = {"start_time", "end_time", "day_of_week"}
CENT = Decimal("0.01")
HOUR_DIGITS = Decimal("1e-12")
WH = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a session in which no price changes: UTC, kWh; parking has no energy."""

    start: datetime
    end: datetime
    charging: bool
    energy_kwh: Decimal

    @property
    def seconds(self) -> int:
        return int((self.end - self.start).total_seconds())

    @property
    def hours(self) -> Decimal:
        return hours(self.seconds)


@dataclass(frozen=True, slots=True)
class Amount:
    """Money before and after VAT, unrounded."""

    before_tax: Decimal = Decimal(0)
    after_tax: Decimal = Decimal(0)

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.before_tax + other.before_tax, self.after_tax + other.after_tax)

    @classmethod
    def of(cls, volume: Decimal, component: Json) -> Amount:
        """`volume` (kWh, hours, or 1) at the component's price."""
        before_tax = volume * component["price"]
        return cls(before_tax, before_tax * (100 + component["vat"]) / 100)


@dataclass(frozen=True, slots=True)
class Costs:
    """The sub-totals of a bill."""

    energy: Amount
    fixed: Amount
    parking: Amount

    @property
    def total(self) -> Amount:
        return self.energy + self.fixed + self.parking


@dataclass(frozen=True, slots=True)
class Bill:
    """Everything that stands on an SDR, before it is written."""

    session: PlannedSession
    place: Place
    tariff: TariffVersion
    stretches: tuple[Stretch, ...]
    costs: Costs


def hours(seconds: int) -> Decimal:
    """Hours to twelve decimals, far below any step size.

    >>> hours(2214)
    Decimal('0.615')
    """
    return trimmed((Decimal(seconds) / 3600).quantize(HOUR_DIGITS))


def bill(session: PlannedSession, network: Network) -> Bill:
    """The correct bill, by the tariff in force when the session started."""
    place = network.places[session.evse_id]
    tariff_id = place.evse.connector(session.connector_id).tariff_id
    tariff = network.tariff_in_force(tariff_id, session.start)
    return bill_by(session, place, tariff)


def bill_by(session: PlannedSession, place: Place, tariff: TariffVersion) -> Bill:
    """The bill by a given version of the tariff."""
    elements = tariff.body["elements"]
    stretches = tuple(split(session, elements, place.zone))
    return Bill(session, place, tariff, stretches, price(stretches, elements, place.zone))


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


def price(stretches: tuple[Stretch, ...], elements: list[Json], zone: ZoneInfo) -> Costs:
    """The costs of the stretches; a step size rounds the session's total up, at the last price."""
    flat: Json | None = None
    energy: list[tuple[Decimal, Json]] = []
    parking: list[tuple[Decimal, Json]] = []
    for stretch in stretches:
        local = stretch.start.astimezone(zone)
        flat = flat or component_at(elements, "FLAT", local)
        if stretch.charging and (found := component_at(elements, "ENERGY", local)):
            energy.append((stretch.energy_kwh, found))
        if not stretch.charging and (found := component_at(elements, "PARKING_TIME", local)):
            parking.append((stretch.hours, found))
    return Costs(
        energy=_stepped(energy, per_unit=1000),
        fixed=Amount.of(Decimal(1), flat) if flat else Amount(),
        parking=_stepped(parking, per_unit=3600),
    )


def _stepped(priced: list[tuple[Decimal, Json]], per_unit: int) -> Amount:
    """Volumes at their prices, and what is missing to the next step at the last price.

    `per_unit`: steps of size 1 in a unit of the volume, 1000 (Wh in a kWh) or 3600 (s in an hour).
    """
    if not priced:
        return Amount()
    total = sum((volume for volume, _ in priced), Decimal(0))
    last = priced[-1][1]
    missing = steps_up(total, last["step_size"], per_unit) - total
    amounts = [Amount.of(volume, component) for volume, component in priced]
    return sum(amounts, Amount.of(missing, last))


def steps_up(volume: Decimal, step_size: int, per_unit: int) -> Decimal:
    """`volume` rounded up to whole steps; a volume that is a step to the digit stays.

    >>> steps_up(Decimal("0.615"), 900, 3600), steps_up(Decimal("0.75"), 900, 3600)
    (Decimal('0.75'), Decimal('0.75'))
    """
    if step_size <= 1:
        return volume
    steps = (volume * per_unit / step_size).quantize(Decimal("1e-6"))
    return steps.to_integral_value(ROUND_CEILING) * step_size / per_unit


def component_at(elements: list[Json], kind: str, local: datetime) -> Json | None:
    """The price component of a dimension that is active at a local time; None if it is free."""
    for element in elements:
        if _holds(element.get("restrictions", {}), local):
            for component in element["price_components"]:
                if component["type"] == kind:
                    return dict(component)
    return None


def _holds(restrictions: Json, local: datetime) -> bool:
    if not restrictions.keys() <= UNDERSTOOD:
        raise ValueError(f"this operator does not bill by {sorted(restrictions)}")
    if WEEKDAYS[local.weekday()] not in restrictions.get("day_of_week", WEEKDAYS):
        return False
    start = time.fromisoformat(restrictions.get("start_time", "00:00"))
    end = time.fromisoformat(restrictions.get("end_time", "00:00"))
    clock = local.time()
    if start < end:
        return start <= clock < end
    return start <= clock or clock < end or end == time(0) == start


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


def trimmed(number: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent.

    >>> trimmed(Decimal("24.500")), trimmed(Decimal("120"))
    (Decimal('24.5'), Decimal('120'))
    """
    return Decimal(f"{number.normalize():f}")


def rounded(amount: Decimal) -> Decimal:
    """To the cent, half up.

    >>> rounded(Decimal("7.245"))
    Decimal('7.25')
    """
    return amount.quantize(CENT, ROUND_HALF_UP)
