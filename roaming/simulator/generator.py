"""A month of charging sessions that never were, drawn from a seed.

Arrivals follow the hour and the weekday, slow stations see long stays with parking after charging,
rapid ones short ones. Every time lies on a grid of 36 seconds, a hundredth of an hour, so that
volumes in hours are exact decimals.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from roaming.simulator.drivers import Driver, make_drivers
from roaming.simulator.months import Month
from roaming.simulator.network import Connector, Network, Place
from roaming.simulator.occupancy import Occupancy
from roaming.simulator.planned_session import PlannedSession

GRID_S = 36
WEEKDAYS = (1.00, 1.02, 1.03, 1.05, 1.12, 0.85, 0.70)
HOURS = (
    *(0.3, 0.2, 0.15, 0.15, 0.2, 0.5, 1.3, 2.8, 3.6, 3.2, 3.0, 3.2),
    *(3.6, 3.3, 3.2, 3.5, 4.2, 4.8, 4.5, 3.4, 2.3, 1.6, 1.0, 0.6),
)
SECOND_CONNECTOR_SHARE = 0.08
SESSIONS_PER_DRIVER = 5
MOST_IN_VAIN = 3000
BETWEEN_VEHICLES = timedelta(minutes=3)
BETWEEN_STATIONS = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class _Stay:
    """How long a vehicle stays and what it takes: seconds on the grid, Wh."""

    charging_s: int
    parking_s: int
    energy_wh: int


@dataclass(frozen=True, slots=True)
class _Visit:
    """A session before anybody is chosen for it."""

    place: Place
    connector: Connector
    start: datetime
    stay: _Stay

    @property
    def end_of_charging(self) -> datetime:
        return self.start + timedelta(seconds=self.stay.charging_s)

    @property
    def end(self) -> datetime:
        return self.end_of_charging + timedelta(seconds=self.stay.parking_s)


def drivers_for(network: Network, count: int, seed: int) -> tuple[Driver, ...]:
    """The drivers whose sessions `generate` draws for the same `count` and `seed`."""
    return make_drivers(network, max(40, count // SESSIONS_PER_DRIVER), seed)


def generate(network: Network, month: Month, count: int, seed: int) -> list[PlannedSession]:
    """`count` sessions that begin and end within `month`, by start; ValueError if they do not fit.

    No EVSE and no driver is in two sessions at once; every session is of a pair with an agreement.
    """
    rng = random.Random(f"sessions {seed} {month} {count}")  # noqa: S311 - a repeatable world
    drivers = drivers_for(network, count, seed)
    evses, people = Occupancy(BETWEEN_VEHICLES), Occupancy(BETWEEN_STATIONS)
    found: list[tuple[_Visit, Driver]] = []
    in_vain = 0
    for place, start in _arrivals(network, month, rng):
        if len(found) == count:
            break
        in_vain += 1
        if in_vain > MOST_IN_VAIN:
            raise ValueError(f"{count} sessions do not fit into {month} at this network")
        visit = _visit(place, start, rng)
        if visit.end > month.end(place.zone) or visit.start < month.start(place.zone):
            continue
        if not evses.free(place.evse.evse_id, visit.start, visit.end):
            continue
        driver = _driver_for(visit, network, drivers, people, rng)
        if driver is not None:
            evses.take(place.evse.evse_id, visit.start, visit.end)
            people.take(driver.token_uid, visit.start, visit.end)
            found.append((visit, driver))
            in_vain = 0
    found.sort(key=lambda pair: (pair[0].start, pair[0].place.evse.evse_id))
    return [
        _session(f"{month.year:04}{month.month:02}-{number:06}", visit, driver)
        for number, (visit, driver) in enumerate(found, 1)
    ]


def _arrivals(
    network: Network, month: Month, rng: random.Random
) -> Iterator[tuple[Place, datetime]]:
    """Arrivals without end, in no order: an EVSE and an instant (UTC)."""
    places = list(network.places.values())
    days = [month.first + timedelta(days=n) for n in range(month.days)]
    day_weights = [WEEKDAYS[day.weekday()] for day in days]
    steps_per_hour = 3600 // GRID_S
    while True:
        batch = zip(
            rng.choices(days, day_weights, k=512), rng.choices(range(24), HOURS, k=512), strict=True
        )
        for day, hour in batch:
            place = rng.choice(places)
            minute, second = divmod(GRID_S * rng.randrange(steps_per_hour), 60)
            # The repeated hour in autumn is met in both its turns.
            clock = time(hour, minute, second, fold=rng.randrange(2))
            yield place, datetime.combine(day, clock, place.zone).astimezone(UTC)


def _visit(place: Place, start: datetime, rng: random.Random) -> _Visit:
    connectors = place.evse.connectors
    second = len(connectors) > 1 and rng.random() < SECOND_CONNECTOR_SHARE
    connector = connectors[1] if second else connectors[0]
    draw = _rapid_stay if connector.power_type == "DC" else _slow_stay
    return _Visit(place, connector, start, draw(connector.max_power_w, rng))


def _slow_stay(max_power_w: int, rng: random.Random) -> _Stay:
    power_w = min(rng.choice((3600, 7200, 7200, 11000, 11000, 22000)), max_power_w)
    energy_wh = min(max(int(rng.lognormvariate(9.6, 0.6)), 1500), 75_000)
    parking_s = 0
    if rng.random() < 0.55:
        parking_s = min(int(rng.expovariate(1 / 4500)), 8 * 3600)
    return _stay(energy_wh, power_w * rng.uniform(0.82, 0.97), parking_s)


def _rapid_stay(max_power_w: int, rng: random.Random) -> _Stay:
    power_w = min(rng.uniform(32_000, 125_000), max_power_w * 0.9)
    energy_wh = min(max(int(rng.gauss(31_000, 13_000)), 4000), 85_000)
    parking_s = min(int(rng.expovariate(1 / 480)), 2700) if rng.random() < 0.25 else 0
    return _stay(energy_wh, power_w * rng.uniform(0.75, 0.95), parking_s)


def _stay(energy_wh: int, power_w: float, parking_s: int) -> _Stay:
    """On the grid: charging rounded up, so that nobody draws more than the power given."""
    charging_s = (int(energy_wh * 3600 / power_w) // GRID_S + 1) * GRID_S
    return _Stay(charging_s, parking_s // GRID_S * GRID_S, energy_wh)


def _driver_for(
    visit: _Visit,
    network: Network,
    drivers: tuple[Driver, ...],
    people: Occupancy,
    rng: random.Random,
) -> Driver | None:
    """A driver who may charge here and has the time; None if a dozen draws found nobody."""
    cso = visit.place.site.operator_id
    for _ in range(12):
        driver = rng.choice(drivers)
        if (cso, driver.csp) in network.agreement_by_pair and people.free(
            driver.token_uid, visit.start, visit.end
        ):
            return driver
    return None


def _session(reference: str, visit: _Visit, driver: Driver) -> PlannedSession:
    return PlannedSession(
        reference=reference,
        cso=visit.place.site.operator_id,
        csp=driver.csp,
        evse_id=visit.place.evse.evse_id,
        connector_id=visit.connector.connector_id,
        token_uid=driver.token_uid,
        contract_id=driver.contract_id,
        start=visit.start,
        end_of_charging=visit.end_of_charging,
        end=visit.end,
        energy_kwh=Decimal(visit.stay.energy_wh) / 1000,
        method=driver.method,
    )
