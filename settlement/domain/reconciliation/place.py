"""QTY: the EVSE is one of this CSO's, and the one at which the session was opened."""

from __future__ import annotations

from settlement.domain.reconciliation.case import Case, Verdict

# Cause -> what was expected, in the words of the finding.
EVSE_EXPECTED = {
    "other_evse": "the EVSE of the session",
    "unknown_evse": "an EVSE that this CSO had published when the session opened",
}


def other_evse(case: Case) -> Verdict | None:
    """QTY-06: not the EVSE of the session, or none of this CSO's as the session opened."""
    claim, session = case.claim, case.session
    if not claim.evse_key:
        return None  # missing: the door says so
    if session is not None and case.matched and session.evse_key not in (None, claim.evse_key):
        expected = f"{EVSE_EXPECTED['other_evse']}, {session.evse_id}"
        return Verdict(claim.evse_id, expected, claim.before_tax, ("other_evse",))
    opening = case.opening
    if any(start <= opening and (end is None or opening < end) for start, end in case.evse_owned):
        return None
    return Verdict(
        claim.evse_id, EVSE_EXPECTED["unknown_evse"], claim.before_tax, ("unknown_evse",)
    )
