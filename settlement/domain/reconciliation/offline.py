"""AUT of an offline start: what its home-CSP had distributed when the session started (UC4-2).

A start that distributed data decided opens no session at the clearing house, so its SDR names none.
That is no finding in itself: the SDR is held against the identification as it was distributed then.
"""

from __future__ import annotations

from roaming.domain.whitelist import Whitelist, why_not
from settlement.domain.reconciliation.case import Case, Verdict, utc_text

# Cause -> what was expected, in the words of the finding.
OFFLINE_EXPECTED = {
    "no_token": "the token that the user identified with",
    "not_covered": "an agreement that covers offline identification",
    "never_distributed": "an identification that the home-CSP had distributed by then",
    "removed": "an identification that was still distributed then",
    "blocked": "an identification that was not blocked then",
    "expired": "an identification that had not expired by then",
    "policy_never": "an identification on which distributed data may decide",
}
WITHOUT_DATA = ("no_token", "not_covered", "never_distributed", "removed")
NOT_GOOD = ("blocked", "expired")
POLICY = ("policy_never",)


def offline_cause(case: Case) -> str:
    """Why an offline start was not right; empty: it was. Only of a case that claims to be one."""
    evidence, start = case.offline, case.claim.started_at
    if case.claim.token_hmac is None:
        return "no_token"
    if not evidence.covered:
        return "not_covered"
    if evidence.distributed is None:
        return "never_distributed"
    reason = why_not(evidence.distributed, start)
    if reason:
        return reason
    return "policy_never" if evidence.distributed.whitelist is Whitelist.NEVER else ""


def is_supported(case: Case) -> bool:
    """Whether distributed data bears the claim out, as a session would."""
    return case.claims_offline and not offline_cause(case)


def without_data(case: Case) -> Verdict | None:
    """AUT-03: nothing was distributed that this visited-CSO could have relied on."""
    return _verdict(case, WITHOUT_DATA)


def not_good(case: Case) -> Verdict | None:
    """AUT-04: by the distributed data the identification was blocked, or had expired."""
    return _verdict(case, NOT_GOOD)


def policy_forbids(case: Case) -> Verdict | None:
    """AUT-05: the home-CSP had reserved the decision to itself."""
    return _verdict(case, POLICY)


def _verdict(case: Case, causes: tuple[str, ...]) -> Verdict | None:
    cause = offline_cause(case) if case.claims_offline else ""
    if cause not in causes:
        return None
    return Verdict(
        f"OFFLINE at {utc_text(case.claim.started_at)}",
        OFFLINE_EXPECTED[cause],
        case.claim.before_tax,
        (cause,),
    )
