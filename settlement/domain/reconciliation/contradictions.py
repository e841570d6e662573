"""What an SDR says, held against what its own session said before."""

from __future__ import annotations

from decimal import Decimal

from settlement.domain.reconciliation.case import (
    Case,
    Verdict,
    number_text,
    seconds_between,
    utc_text,
)

# People plug in first and identify then.
BEFORE_OPENING_S = Decimal(15 * 60)
OF_ANY_KIND = "OTHER"


def authorised_otherwise(case: Case) -> Verdict | None:
    """AUT-07: another method of identification than the session saw, or another way of yes."""
    session, claim = case.session, case.claim
    if session is None or not case.matched:
        return None
    pairs = (
        ("other_method", claim.identification_method, session.identification_method),
        ("other_authorisation", claim.authorised, session.authorised),
    )
    differing = [
        (cause, claimed, known)
        for cause, claimed, known in pairs
        if claimed and known and claimed != known and OF_ANY_KIND not in (claimed, known)
    ]
    if not differing:
        return None
    return Verdict(
        ", ".join(claimed for _, claimed, _ in differing),
        ", ".join(known for _, _, known in differing),
        None,
        tuple(cause for cause, _, _ in differing),
    )


def other_reference(case: Case) -> Verdict | None:
    """AUT-08: it names another authorisation than the one that its session was opened by."""
    session, claimed = case.session, case.claim.authorization_reference
    if session is None or not case.matched or not claimed:
        return None
    known = session.authorization_reference
    if not known or known == claimed:
        return None
    return Verdict(claimed, known, None)


def not_as_completed(case: Case) -> Verdict | None:
    """QTY-11: another energy than the CSO itself completed the session with."""
    if case.session is None or not case.matched or case.session.completed_kwh is None:
        return None
    difference = case.claim.energy_kwh - case.session.completed_kwh
    if abs(difference) <= case.allowed_energy_kwh("QTY-11"):
        return None
    return Verdict(
        f"{number_text(case.claim.energy_kwh)} kWh",
        f"{number_text(case.session.completed_kwh)} kWh, as the session was completed with",
        case.claim.before_tax,
    )


def total_time_differs(case: Case) -> Verdict | None:
    """TIM-08: the total time is not the end less the start."""
    claim = case.claim
    if claim.total_time_h is None:
        return None
    lasted = seconds_between(claim.started_at, claim.ended_at)
    if abs(claim.total_time_h * 3600 - lasted) <= case.allowed_time_s("TIM-08"):
        return None
    return Verdict(
        f"{number_text(claim.total_time_h)} h",
        f"{utc_text(claim.started_at)} to {utc_text(claim.ended_at)}",
        None,
    )


def before_its_authorisation(case: Case) -> Verdict | None:
    """TIM-12: it starts long before its session was opened."""
    early = seconds_between(case.claim.started_at, case.opening)
    if early <= case.most("TIM-12", BEFORE_OPENING_S):
        return None
    return Verdict(
        f"started at {utc_text(case.claim.started_at)}",
        f"opened at {utc_text(case.opening)}",
        None,
    )
