"""The simulated world as every process of a replay sees it: drawn from one description.

The conductor and each platform draw it for themselves from the same few values, and then look at
their own part only. Nothing of it travels between them but through the clearing house.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec

from roaming.simulator.demo_network import demo_network
from roaming.simulator.drivers import Driver, make_drivers
from roaming.simulator.generator import drivers_for, generate
from roaming.simulator.months import Month
from roaming.simulator.network import Network
from roaming.simulator.perth_kinross import PerthReading, read_perth_kinross
from roaming.simulator.planned_session import PlannedSession
from roaming.simulator.side_visits import SideVisit, plan_side_visits
from roaming.simulator.wrong_biller import Planted, plant

BLOCKED_PER_PROVIDER = 2


class WorldDescription(msgspec.Struct, kw_only=True, frozen=True):
    """What a world is drawn from: with `files` their sessions of the month, else `size` new ones.

    `month` is YYYY-MM; `wrong_share` of the SDRs are wrong on purpose.
    """

    month: str
    seed: int = 1
    size: int = 3000
    files: tuple[str, ...] = ()
    wrong_share: Decimal = Decimal("0.03")


@dataclass(frozen=True)
class World:
    """Everything that will happen in the month, except what the clearing house makes of it."""

    month: Month
    network: Network
    sessions: list[PlannedSession]
    drivers: tuple[Driver, ...]
    blocked: tuple[Driver, ...]
    """Drivers whose home-CSP refuses them; they are not among `drivers`."""
    side_visits: tuple[SideVisit, ...]
    planted: dict[str, Planted]
    """By session reference: what the operators will bill wrongly."""
    reading: PerthReading | None = None
    """What became of the rows of files."""


def draw_world(description: WorldDescription, progress: Callable[[], None] | None = None) -> World:
    """The world of a description, always the same.

    `progress` is called for every row of a file. ValueError where the month is not readable or the
    sessions do not fit into it; PerthFileError, a ValueError, for a file in another form.
    """
    month = Month.parse(description.month)
    reading = None
    if description.files:
        paths = [Path(name) for name in description.files]
        reading = read_perth_kinross(paths, month, description.seed, progress)
        network, sessions, drivers = reading.network, reading.sessions, reading.drivers
    else:
        network = demo_network(month)
        sessions = generate(network, month, description.size, description.seed)
        drivers = drivers_for(network, description.size, description.seed)
    blocked = _blocked(network, drivers, description.seed)
    return World(
        month=month,
        network=network,
        sessions=sessions,
        drivers=drivers,
        blocked=blocked,
        side_visits=plan_side_visits(network, sessions, (drivers, blocked), description.seed),
        planted=plant(sessions, network, description.seed, description.wrong_share),
        reading=reading,
    )


def _blocked(network: Network, drivers: tuple[Driver, ...], seed: int) -> tuple[Driver, ...]:
    """The drivers that follow the good ones: the list goes on where it ended."""
    wanted = BLOCKED_PER_PROVIDER * len(network.providers)
    return make_drivers(network, len(drivers) + wanted, seed)[len(drivers) :]
