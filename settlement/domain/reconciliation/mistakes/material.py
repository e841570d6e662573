"""What an explanation is made from: the SDR, the tariffs to choose from, and what it states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from roaming.domain.money import Rounding
from settlement.domain.rating import PlanCache, SdrToRate, TariffPlan
from settlement.domain.reconciliation.body import Stated


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

    `payable` is the claim before tax as the agreement rounds it. `stated`: what the SDR says of its
    own total, None where that cannot be read.
    """

    sdr: SdrToRate
    tariffs: tuple[TariffChoice, ...]
    time_zone: ZoneInfo
    rounding: Rounding
    payable: Decimal
    stated: Stated | None = None
    snapshots: PlanCache | None = None

    @property
    def stated_energy_kwh(self) -> Decimal | None:
        return None if self.stated is None else self.stated.total_energy

    def stated_sub_totals(self) -> dict[str, Decimal]:
        """Before tax, by the names of rating's SubTotals."""
        costs = () if self.stated is None else self.stated.sub_totals()
        return {kind: cost.before_tax for kind, cost in costs if cost.before_tax is not None}
