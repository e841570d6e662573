"""QTY and TIM: what no charging session does, whatever its tariff says."""

from __future__ import annotations

from decimal import Decimal

from settlement.domain.reconciliation.case import (
    Case,
    Verdict,
    number_text,
    seconds_between,
    utc_text,
)

# Beyond these somebody has to look; a setting says otherwise where it is usual (ships, trucks).
MOST_POWER_KW = Decimal(1000)
MOST_ENERGY_KWH = Decimal(1000)
LONGEST_S = Decimal(3 * 24 * 3600)
SECONDS_PER_HOUR = 3600


def implausible_power(case: Case) -> Verdict | None:
    """QTY-08: on the average of the session more power than anything charges with."""
    claim = case.claim
    most = case.most("QTY-08", MOST_POWER_KW)
    lasted = seconds_between(claim.started_at, claim.ended_at)
    if claim.energy_kwh * SECONDS_PER_HOUR <= most * lasted:
        return None
    return Verdict(
        f"{number_text(claim.energy_kwh)} kWh from {_span(case)}",
        f"at most {number_text(most)} kW",
        claim.before_tax,
    )


def implausible_energy(case: Case) -> Verdict | None:
    """QTY-09: more energy than a vehicle takes."""
    most = case.most("QTY-09", MOST_ENERGY_KWH)
    if case.claim.energy_kwh <= most:
        return None
    return Verdict(
        f"{number_text(case.claim.energy_kwh)} kWh",
        f"at most {number_text(most)} kWh",
        case.claim.before_tax,
    )


def fee_without_energy(case: Case) -> Verdict | None:
    """QTY-10: nothing was charged, and something is claimed; a reservation costs by itself."""
    claim = case.claim
    if claim.energy_kwh != 0 or claim.before_tax <= 0 or case.reserved:
        return None
    return Verdict(
        f"{number_text(claim.before_tax)} {claim.currency} for 0 kWh",
        "energy, or a reservation",
        claim.before_tax,
    )


def implausible_duration(case: Case) -> Verdict | None:
    """TIM-11: it lasted longer than sessions do."""
    most = case.most("TIM-11", LONGEST_S)
    if seconds_between(case.claim.started_at, case.claim.ended_at) <= most:
        return None
    return Verdict(_span(case), f"at most {number_text(most)} s", case.claim.before_tax)


def _span(case: Case) -> str:
    return f"{utc_text(case.claim.started_at)} to {utc_text(case.claim.ended_at)}"
