"""The mistakes that an operator can make in an SDR, and how each of them bills.

Two mistakes of the manner of billing can be made together where they concern different habits.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from itertools import combinations
from typing import Any

from roaming.simulator.manner import (
    HONEST,
    BoundHabit,
    CentHabit,
    Manner,
    StepHabit,
    TaxHabit,
    TimeHabit,
    Which,
)


class Mistake(StrEnum):
    """What is wrong with an SDR. `family` is the family of rules that should find it."""

    ENERGY_NOT_SUM = "energy_not_sum"
    OLDER_VERSION = "older_version"
    LATER_VERSION = "later_version"
    GENERAL_TARIFF = "general_tariff"
    INDIVIDUAL_TARIFF = "individual_tariff"
    UTC_RESTRICTIONS = "utc_restrictions"
    STEP_TWICE = "step_twice"
    STEP_PER_PERIOD = "step_per_period"
    TAX_LEFT_IN = "tax_left_in"
    TAX_TAKEN_OUT = "tax_taken_out"
    PARKING_AS_TIME = "parking_as_time"
    TIME_AS_PARKING = "time_as_parking"
    FLAT_TWICE = "flat_twice"
    MIN_PRICE_IGNORED = "min_price_ignored"
    MAX_PRICE_IGNORED = "max_price_ignored"
    ROUNDED_OTHERWISE = "rounded_otherwise"
    ROUNDED_PER_PERIOD = "rounded_per_period"
    ROUNDED_UP_PER_PERIOD = "rounded_up_per_period"
    BILLED_TWICE = "billed_twice"
    UNKNOWN_SESSION = "unknown_session"
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 - a kind of mistake, no secret
    OVERLAP = "overlap"
    LATE = "late"

    @property
    def family(self) -> str:
        return _FAMILIES.get(self, "PRC")

    @property
    def announced(self) -> bool:
        """False: the clearing house hears of the session only from the SDR."""
        return self not in (Mistake.UNKNOWN_SESSION, Mistake.UNKNOWN_TOKEN)


_FAMILIES = {
    Mistake.ENERGY_NOT_SUM: "QTY",
    Mistake.BILLED_TWICE: "DUP",
    Mistake.UNKNOWN_SESSION: "AUT",
    Mistake.UNKNOWN_TOKEN: "AUT",
    Mistake.OVERLAP: "TIM",
    Mistake.LATE: "TIM",
}

_HABITS: dict[Mistake, dict[str, Any]] = {
    Mistake.ENERGY_NOT_SUM: {"energy_added": True},
    Mistake.OLDER_VERSION: {"tariff": Which.OLDER},
    Mistake.LATER_VERSION: {"tariff": Which.LATER},
    Mistake.GENERAL_TARIFF: {"tariff": Which.GENERAL},
    Mistake.INDIVIDUAL_TARIFF: {"tariff": Which.INDIVIDUAL},
    Mistake.UTC_RESTRICTIONS: {"in_utc": True},
    Mistake.STEP_TWICE: {"steps": StepHabit.ONE_MORE},
    Mistake.STEP_PER_PERIOD: {"steps": StepHabit.PER_PERIOD},
    Mistake.TAX_LEFT_IN: {"tax": TaxHabit.LEFT_IN},
    Mistake.TAX_TAKEN_OUT: {"tax": TaxHabit.TAKEN_OUT},
    Mistake.PARKING_AS_TIME: {"times": TimeHabit.ALL_CHARGING},
    Mistake.TIME_AS_PARKING: {"times": TimeHabit.ALL_PARKING},
    Mistake.FLAT_TWICE: {"fees": 2},
    Mistake.MIN_PRICE_IGNORED: {"bounds": BoundHabit.NO_MINIMUM},
    Mistake.MAX_PRICE_IGNORED: {"bounds": BoundHabit.NO_MAXIMUM},
    Mistake.ROUNDED_OTHERWISE: {"cents": CentHabit.UP},
    Mistake.ROUNDED_PER_PERIOD: {"cents": CentHabit.PER_PERIOD},
    Mistake.ROUNDED_UP_PER_PERIOD: {"cents": CentHabit.UP_PER_PERIOD},
}
ROUNDINGS = frozenset(
    {Mistake.ROUNDED_OTHERWISE, Mistake.ROUNDED_PER_PERIOD, Mistake.ROUNDED_UP_PER_PERIOD}
)
"""Worth a cent or two: only who tolerates nothing notices them."""


def of_billing(mistake: Mistake) -> bool:
    """Whether it is one of the manner of billing, so that the claim is another amount."""
    return mistake in _HABITS


def manner_of(*mistakes: Mistake) -> Manner:
    """How somebody bills who makes all of these, and is honest else."""
    manner = HONEST
    for mistake in mistakes:
        manner = replace(manner, **_HABITS.get(mistake, {}))
    return manner


PAIRS: tuple[tuple[Mistake, Mistake], ...] = tuple(
    (one, other)
    for one, other in combinations(_HABITS, 2)
    if not _HABITS[one].keys() & _HABITS[other].keys()
)
"""Every two mistakes of billing that can be made in one bill."""
