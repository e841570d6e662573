"""What an explanation is made from: the SDR, the tariffs to choose from, and what it states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from roaming.domain.money import Rounding
from roaming.domain.sdr import Cost
from settlement.domain.rating import PlanCache, SdrToRate, TariffPlan


class Stated(msgspec.Struct, frozen=True, kw_only=True):
    """What the SDR says of its own total: kWh, and sub-totals where it sends them."""

    total_energy: Decimal | None = None
    total_energy_cost: Cost | None = None
    total_fixed_cost: Cost | None = None
    total_time_cost: Cost | None = None
    total_parking_cost: Cost | None = None
    total_reservation_cost: Cost | None = None

    def sub_totals(self) -> dict[str, Decimal]:
        """Before tax, by the names of rating's SubTotals."""
        costs = {
            "energy": self.total_energy_cost,
            "fixed": self.total_fixed_cost,
            "time": self.total_time_cost,
            "parking": self.total_parking_cost,
            "reservation": self.total_reservation_cost,
        }
        return {
            name: cost.before_tax
            for name, cost in costs.items()
            if cost is not None and cost.before_tax is not None
        }


NOTHING_STATED = Stated()
_DECODER = msgspec.json.Decoder(Stated)


def stated_in(rated_part: str) -> Stated:
    """What can be read of it; nothing where it cannot be read.

    >>> stated_in('{"total_fixed_cost": {"excl_vat": 0.50}}').sub_totals()
    {'fixed': Decimal('0.50')}
    >>> stated_in('{"total_fixed_cost": "0.50"}').sub_totals()
    {}
    """
    try:
        return _DECODER.decode(rated_part)
    except (msgspec.MsgspecError, UnicodeError, ArithmeticError):
        return NOTHING_STATED


@dataclass(frozen=True, slots=True)
class TariffChoice:
    """A tariff that may have priced the SDR: why it would be wrong, and its plans in a zone.

    `code` is the mistake's, empty for the right one. `plans_in` may raise what rating raises.
    """

    code: str
    plans_in: Callable[[ZoneInfo], Sequence[TariffPlan]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """An SDR whose claim is not what the first of `tariffs` gives.

    `payable` is the claim before tax as the agreement rounds it.
    """

    sdr: SdrToRate
    tariffs: tuple[TariffChoice, ...]
    time_zone: ZoneInfo
    rounding: Rounding
    payable: Decimal
    stated: Stated = NOTHING_STATED
    snapshots: PlanCache | None = None
