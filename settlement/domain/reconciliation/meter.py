"""QTY and MTR of the body: the energy is what the meter counted."""

from __future__ import annotations

from settlement.domain.reconciliation.body import BodyCase
from settlement.domain.reconciliation.case import Verdict, number_text


def energy_is_not_the_meter_s(case: BodyCase) -> Verdict | None:
    """QTY-03: the total energy differs from the meter's end less its start."""
    start, end = case.stated.meter_start, case.stated.meter_end
    if start is None or end is None or end < start:
        return None  # a meter that runs backwards says nothing: MTR-04
    counted = end - start
    allowed = case.tolerances.for_rule("QTY-03", case.tolerances.energy)
    if abs(case.energy_kwh - counted) <= allowed.of(case.energy_kwh):
        return None
    return Verdict(
        f"{number_text(case.energy_kwh)} kWh",
        f"{number_text(counted)} kWh: meter from {number_text(start)} to {number_text(end)}",
        case.before_tax,
    )


def meter_runs_backwards(case: BodyCase) -> Verdict | None:
    """MTR-04: the meter stood lower at the end than at the start."""
    start, end = case.stated.meter_start, case.stated.meter_end
    if start is None or end is None or end >= start:
        return None
    return Verdict(
        f"{number_text(end)} kWh at the end",
        f"at least {number_text(start)} kWh, as at the start",
        case.before_tax,
    )
