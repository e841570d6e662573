"""AUT and AGR: somebody authorised this session, and an agreement was in force when it opened."""

from __future__ import annotations

from roaming.domain.agreement import Service
from roaming.domain.session import WITHOUT_AUTHORISATION, SessionState
from settlement.domain.reconciliation.case import Case, Verdict, utc_text

# Cause -> what was expected, in the words of the finding.
AUTHORISATION_EXPECTED = {
    "no_session_id": "the service session id that the clearing house returned at the start",
    "unknown_session": "a service session known to the clearing house",
    "other_parties": "a service session of these two parties",
    "refused": "a session that was authorised; this one was refused",
    "not_authorised": "a session that was authorised; nobody answered for this one",
    "cancelled": "a session in which something was provided; this one was cancelled",
    "other_token": "the identification that the session was opened with",
}

# State -> cause. In every other state somebody said yes; of a reserved or completed no-show the
# home-CSP, when it reserved.
UNAUTHORISED = {
    SessionState.REFUSED.value: "refused",
    SessionState.REQUESTED.value: "not_authorised",
    SessionState.CANCELLED.value: "cancelled",
}
assert set(UNAUTHORISED) == {state.value for state in WITHOUT_AUTHORISATION}


def without_authorisation(case: Case) -> Verdict | None:
    """AUT-01: no session, one of others, refused, cancelled or never authorised, another token."""
    cause = _cause(case)
    if cause is None:
        return None
    session_id = case.claim.service_session_id
    return Verdict(
        "" if session_id is None else str(session_id),
        AUTHORISATION_EXPECTED[cause],
        case.claim.before_tax,
        (cause,),
    )


def _cause(case: Case) -> str | None:
    claim, session = case.claim, case.session
    if case.claims_offline or case.session_candidates:
        # An offline start is judged by what was distributed: AUT-03 to 05. Of several: AUT-20.
        return None
    if session is None:
        return "no_session_id" if claim.service_session_id is None else "unknown_session"
    if not case.matched:
        return "other_parties"
    if session.state in UNAUTHORISED:
        return UNAUTHORISED[session.state]
    if claim.token_hmac is not None and claim.token_hmac != session.token_hmac:
        return "other_token"
    return None


def without_agreement(case: Case) -> Verdict | None:
    """AGR-01: no agreement covers the opening of the session."""
    if _in_force(case):
        return None
    return Verdict("", f"an agreement in force at {utc_text(case.opening)}", case.claim.before_tax)


def suspended(case: Case) -> Verdict | None:
    """AGR-02: the session was opened while the agreement was suspended for new business."""
    if case.terms is None or not _in_force(case):
        return None
    opening = case.opening
    if not any(
        start <= opening and (end is None or opening < end) for start, end in case.terms.suspensions
    ):
        return None
    return Verdict(
        f"opened at {utc_text(opening)}", "no new session while suspended", case.claim.before_tax
    )


def service_not_covered(case: Case) -> Verdict | None:
    """AGR-04: it charges for a service that no agreement of the two covered at the opening."""
    if not _in_force(case):
        return None  # AGR-01 says so
    claim = case.claim
    needed = {
        Service.PLUG_AND_CHARGE: claim.identification_method == "PNC",
        Service.REMOTE_START: claim.authorised == "COMMAND",
        Service.RESERVATION: case.reserved,
    }
    missing = sorted(s.value for s, shown in needed.items() if shown and s not in case.services)
    if not missing:
        return None
    return Verdict(
        ", ".join(missing), "a service that they have agreed on", claim.before_tax, tuple(missing)
    )


def _in_force(case: Case) -> bool:
    terms, opening = case.terms, case.opening
    return (
        terms is not None
        and terms.valid_from <= opening
        and (terms.valid_to is None or opening < terms.valid_to)
    )
