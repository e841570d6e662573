"""TIM: it came in time, and one EVSE or one token serves one vehicle at a time."""

from __future__ import annotations

from datetime import timedelta

from settlement.domain.reconciliation.case import (
    LONGEST_SESSION,
    Case,
    Neighbour,
    Verdict,
    precedes,
    seconds_between,
    utc_text,
)


def late(case: Case) -> Verdict | None:
    """TIM-05: it arrived after the agreement's window, counted from the end of the session."""
    if case.terms is None:
        return None
    latest = case.claim.ended_at + timedelta(hours=case.terms.sdr_window_hours)
    if case.claim.received_at <= latest:
        return None
    return Verdict(
        f"received at {utc_text(case.claim.received_at)}",
        f"not after {utc_text(latest)}",
        case.claim.before_tax,
    )


def evse_in_use(case: Case) -> Verdict | None:
    """TIM-06: another session at the same EVSE overlaps by more than the tolerance."""
    if not case.claim.evse_key:
        return None
    return _overlap(
        case, "TIM-06", [n for n in case.neighbours if n.evse_key == case.claim.evse_key]
    )


def token_in_use(case: Case) -> Verdict | None:
    """TIM-07: the same token of the same home-CSP charges at another EVSE meanwhile."""
    claim = case.claim
    if claim.token_hmac is None:
        return None
    same_token = [
        n
        for n in case.neighbours
        if n.token_hmac == claim.token_hmac
        and n.home_csp_id == claim.home_csp_id
        and n.evse_key != claim.evse_key
    ]
    return _overlap(case, "TIM-07", same_token)


WANTED = {"TIM-06": "EVSE free", "TIM-07": "token free"}


def _overlap(case: Case, rule: str, neighbours: list[Neighbour]) -> Verdict | None:
    claim = case.claim
    allowed_s = case.allowed_time_s(rule)
    overlapping = [
        n
        for n in neighbours
        if precedes(n, claim)
        and (n.service_session_id is None or n.service_session_id != claim.service_session_id)
        and n.started_at > claim.started_at - LONGEST_SESSION
        and seconds_between(max(n.started_at, claim.started_at), min(n.ended_at, claim.ended_at))
        > allowed_s
    ]
    if not overlapping:
        return None
    other = min(overlapping, key=lambda neighbour: neighbour.arrival)
    return Verdict(
        f"{utc_text(claim.started_at)} to {utc_text(claim.ended_at)}",
        f"{WANTED[rule]}; {other.reference}: {utc_text(other.started_at)}"
        f" to {utc_text(other.ended_at)}",
        claim.before_tax,
    )
