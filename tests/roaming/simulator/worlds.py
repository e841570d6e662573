"""Networks that the tests of the simulator share."""

from functools import cache

from roaming.simulator.demo_network import demo_network
from roaming.simulator.generator import generate
from roaming.simulator.months import Month
from roaming.simulator.network import Network
from roaming.simulator.planned_session import PlannedSession

OCTOBER = Month(2026, 10)  # the month with the repeated hour


@cache
def october() -> Network:
    return demo_network(OCTOBER)


@cache
def october_sessions() -> list[PlannedSession]:
    return generate(october(), OCTOBER, 3000, seed=1)
