"""How an operator bills: honestly, or wrongly in one way or two.

The operators' own words for it: nothing here is known to the clearing house.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Which(StrEnum):
    """Which version of a tariff is applied."""

    IN_FORCE = "in_force"
    OLDER = "older"
    LATER = "later"
    GENERAL = "general"
    INDIVIDUAL = "individual"


class StepHabit(StrEnum):
    """How step sizes round volumes up."""

    ONCE = "once"
    PER_PERIOD = "per_period"
    ONE_MORE = "one_more"


class TaxHabit(StrEnum):
    """What is claimed as the amount before tax."""

    BEFORE = "before"
    LEFT_IN = "left_in"
    TAKEN_OUT = "taken_out"


class TimeHabit(StrEnum):
    """By which component the time of charging and the time of parking are priced."""

    OWN = "own"
    ALL_CHARGING = "all_charging"
    ALL_PARKING = "all_parking"


class CentHabit(StrEnum):
    """When amounts become cents: half up once, up once, or for each price of each period."""

    ONCE = "once"
    UP = "up"
    PER_PERIOD = "per_period"
    UP_PER_PERIOD = "up_per_period"


class BoundHabit(StrEnum):
    """Which of a tariff's bounds are applied."""

    BOTH = "both"
    NO_MINIMUM = "no_minimum"
    NO_MAXIMUM = "no_maximum"


@dataclass(frozen=True, slots=True)
class Manner:
    """`in_utc`: times of day are read in UTC. `energy_added`: more is billed than was measured."""

    tariff: Which = Which.IN_FORCE
    in_utc: bool = False
    steps: StepHabit = StepHabit.ONCE
    fees: int = 1
    times: TimeHabit = TimeHabit.OWN
    bounds: BoundHabit = BoundHabit.BOTH
    tax: TaxHabit = TaxHabit.BEFORE
    cents: CentHabit = CentHabit.ONCE
    energy_added: bool = False


HONEST = Manner()
