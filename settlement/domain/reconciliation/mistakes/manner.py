"""How a bill was made: the right manner, and every way in which somebody may depart from it.

An aspect is one decision of who bills. A mistake decides one of them wrongly, so that two mistakes
of different aspects can be made together, in whatever order.

Hundreds are tried for one SDR: decisions are numbers, which makes them quick keys.
"""

from __future__ import annotations

from enum import IntEnum, auto

import msgspec


class Clock(IntEnum):
    """In which time restrictions are evaluated."""

    LOCAL = auto()
    UTC = auto()


class Prices(IntEnum):
    """What a change of price inside a session does."""

    AT_PERIODS = auto()
    AT_START = auto()
    AT_BOUNDARIES = auto()


class Times(IntEnum):
    """Which time is charging and which is parking."""

    AS_SENT = auto()
    PARKING_IS_TIME = auto()
    TIME_IS_PARKING = auto()


class Energy(IntEnum):
    """Which energy is billed: that of the periods, or the total that the SDR states."""

    OF_PERIODS = auto()
    STATED = auto()


class Fee(IntEnum):
    """How often the flat fee is charged."""

    ONCE = auto()
    TWICE = auto()
    PER_PERIOD = auto()


class Steps(IntEnum):
    """How step sizes round up."""

    ONCE = auto()
    PER_PERIOD = auto()
    PER_PERIOD_ENERGY = auto()
    PER_PERIOD_TIME = auto()
    ONE_MORE_ENERGY = auto()
    ONE_MORE_TIME = auto()
    NONE = auto()


class Tax(IntEnum):
    """What is taken for the amount before tax."""

    BEFORE = auto()
    LEFT_IN = auto()
    TAKEN_OUT = auto()


class Bounds(IntEnum):
    """Which of the tariff's bounds hold."""

    BOTH = auto()
    WITHOUT_MIN = auto()
    WITHOUT_MAX = auto()


class Cents(IntEnum):
    """How amounts become payable. The agreement rounds once per SDR, half up or ceiling."""

    AGREED = auto()
    OTHERWISE = auto()
    PER_PERIOD = auto()
    PER_PERIOD_UP = auto()


class Manner(msgspec.Struct, frozen=True):
    """One decision per aspect; the default is right. `tariff` counts the tariffs to choose from.

    >>> Manner(tax=Tax.LEFT_IN).stretching == Manner().stretching
    True
    """

    tariff: int = 0
    clock: Clock = Clock.LOCAL
    prices: Prices = Prices.AT_PERIODS
    times: Times = Times.AS_SENT
    energy: Energy = Energy.OF_PERIODS
    fee: Fee = Fee.ONCE
    steps: Steps = Steps.ONCE
    tax: Tax = Tax.BEFORE
    bounds: Bounds = Bounds.BOTH
    cents: Cents = Cents.AGREED

    @property
    def stretching(self) -> tuple[object, ...]:
        """The aspects that decide what is priced by which component, before steps and money."""
        return (self.tariff, self.clock, self.prices, self.times, self.energy, self.fee)


RIGHT = Manner()
