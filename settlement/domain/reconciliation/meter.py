"""QTY and MTR of the body: the energy is what the meter counted."""

from __future__ import annotations

from roaming.domain.sdr import Severity
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


def signed_data_absent(case: BodyCase) -> Verdict | None:
    """MTR-01: the agreement requires signed meter data, and there is none."""
    if not case.requires_signed_meter_data or case.stated.meter_data is not None:
        return None
    return Verdict("", "signed meter data, as the agreement requires", case.before_tax)


def signed_data_unreadable(case: BodyCase) -> Verdict | None:
    """MTR-02: there is signed meter data that nobody can check; milder where none is required."""
    data = case.stated.meter_data
    if data is None or not data.unreadable:
        return None
    return Verdict(
        f"{data.method or 'signed data'}: {data.unreadable}",
        "signed meter data that can be read",
        case.before_tax if case.requires_signed_meter_data else None,
        (),
        None if case.requires_signed_meter_data else Severity.WARNING,
    )


def signed_energy_differs(case: BodyCase) -> Verdict | None:
    """MTR-03: the meter has signed another energy than is claimed."""
    data = case.stated.meter_data
    if data is None or data.energy_kwh is None:
        return None
    allowed = case.tolerances.for_rule("MTR-03", case.tolerances.energy)
    if abs(case.energy_kwh - data.energy_kwh) <= allowed.of(case.energy_kwh):
        return None
    return Verdict(
        f"{number_text(case.energy_kwh)} kWh",
        f"{number_text(data.energy_kwh)} kWh, as the meter signed",
        case.before_tax,
    )
