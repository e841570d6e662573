"""Which mistakes can have changed the total of an SDR: the others need no trial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from settlement.domain.rating import TariffPlan
from settlement.domain.rating.drafts import Draft
from settlement.domain.rating.plan import PlannedComponent
from settlement.domain.rating.stretches import ZERO
from settlement.domain.rating.taxation import Taxability
from settlement.domain.reconciliation.mistakes.billing import CANNOT_BILL, Biller
from settlement.domain.reconciliation.mistakes.manner import RIGHT, Clock, Manner
from settlement.domain.reconciliation.mistakes.material import Material
from settlement.domain.reconciliation.mistakes.registry import MISTAKES

_LEAST_STEP = {"ENERGY": Decimal("0.001")}


@dataclass(frozen=True, slots=True)
class Change:
    """One mistake as a decision: its code, the aspect that it concerns, and what it decides."""

    code: str
    aspect: str
    decision: Any  # an Enum of the aspect, or the place of a tariff

    def made_in(self, manner: Manner) -> Manner:
        return msgspec.structs.replace(manner, **{self.aspect: self.decision})


def possible_changes(biller: Biller, material: Material) -> Iterator[Change]:
    """Those worth a trial, in the registry's order but for the tariffs. Raises CANNOT_BILL."""
    for place, choice in enumerate(material.tariffs):
        if choice.code:
            yield Change(choice.code, "tariff", place)
    possible = _Signs(biller, material).possible()
    for mistake in MISTAKES:
        if mistake.code in possible:
            for decision in mistake.decisions:
                yield Change(mistake.code, mistake.aspect, decision)


class _Signs:
    """What the SDR and the tariffs have that a mistake needs, under any of the tariffs."""

    def __init__(self, biller: Biller, material: Material) -> None:
        self._stated = material.stated_energy_kwh
        self._drafts: list[Draft] = biller.drafts(RIGHT)
        session = biller.session(RIGHT)
        self._volumes = {
            kind for stretch in session.stretches for kind, v in stretch.volumes.items() if v
        }
        energies = [s.volumes.get("ENERGY", ZERO) for s in session.stretches]
        self._energy = sum(energies, ZERO)
        self._periods = len(session.stretches)
        plans = list(biller.plans(0, Clock.LOCAL))
        for place in range(1, len(material.tariffs)):
            plans += _plans_or_none(biller, place)
        self._plans = list({id(plan): plan for plan in plans}.values())
        self._components = [c for plan in self._plans for c in _components_of(plan)]

    def possible(self) -> set[str]:
        several = self._periods > 1
        plans, components, volumes = self._plans, self._components, self._volumes
        steps = any(c.step > _LEAST_STEP.get(c.kind, 1) and not c.free for c in components)
        switches = any(plan.asks_local_time or plan.asks_meters for plan in plans)
        signs = {
            "utc_restrictions": any(plan.asks_local_time for plan in plans),
            "step_per_period": steps and several,
            "step_twice": steps,
            "step_ignored": steps,
            "tax_left_in": any(c.taxation.factor != 1 for c in components),
            "tax_taken_out": any(c.taxation.kind is Taxability.ADDED for c in components),
            "parking_as_time": "PARKING_TIME" in volumes,
            "time_as_parking": "TIME" in volumes
            and any(c.kind in ("TIME", "PARKING_TIME") for c in components),
            "flat_twice": any(c.kind == "FLAT" for c in components),
            "flat_per_period": several and any(c.kind == "FLAT" for c in components),
            "min_price_ignored": any(plan.tariff.min_price is not None for plan in plans),
            "max_price_ignored": any(plan.tariff.max_price is not None for plan in plans),
            "energy_not_sum": self._stated is not None and self._stated != self._energy,
            "price_of_start": several and any(len(p.tariff.elements) > 1 for p in plans),
            "switch_inside_period": switches,
            "rounded_otherwise": True,
            "rounded_per_period": len(self._drafts) > 1,
            "rounded_up_per_period": len(self._drafts) > 1,
        }
        return {code for code, sign in signs.items() if sign}


def _components_of(plan: TariffPlan) -> Iterator[PlannedComponent]:
    for choices in (plan.flat, *(choices for _, choices in plan.metered)):
        for component, _ in choices:
            yield component


def _plans_or_none(biller: Biller, place: int) -> list[TariffPlan]:
    try:
        return list(biller.plans(place, Clock.LOCAL))
    except CANNOT_BILL:
        return []
