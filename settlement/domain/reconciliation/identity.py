"""DUP: one session is paid once; a credit takes back exactly what was claimed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from settlement.domain.reconciliation.case import (
    Case,
    Verdict,
    number_text,
    precedes,
)

# Within this two SDRs may tell of one charge.
SAME_CHARGE = timedelta(days=1)


def second_sdr(case: Case) -> Verdict | None:
    """DUP-02: another SDR of the same session stands before this one (the later is the finding)."""
    claim, session_id = case.claim, case.session_id
    if session_id is None or claim.pair_id is None:
        return None
    earlier = [
        neighbour
        for neighbour in case.neighbours
        if session_id in (neighbour.service_session_id, neighbour.matched_session_id)
        and neighbour.pair_id == claim.pair_id
        and precedes(neighbour, claim)
    ]
    if not earlier:
        return None
    first = min(earlier, key=lambda neighbour: neighbour.arrival)
    return Verdict(claim.reference, f"only {first.reference}", claim.before_tax)


def corrected_without_credit(case: Case) -> Verdict | None:
    """DUP-06: the same charge again under another id, and the first was not credited.

    The same charge: at one EVSE the same session id of the CSO, or the same start and token.
    """
    claim = case.claim
    if not claim.evse_key or claim.pair_id is None:
        return None
    earlier = [
        n
        for n in case.neighbours
        if precedes(n, claim)
        and n.evse_key == claim.evse_key
        and n.pair_id == claim.pair_id
        and (n.service_session_id is None or n.service_session_id != claim.service_session_id)
        and abs(n.started_at - claim.started_at) < SAME_CHARGE
        and (
            (claim.cso_session_id != "" and n.cso_session_id == claim.cso_session_id)
            or (
                n.started_at == claim.started_at
                and claim.token_hmac is not None
                and n.token_hmac == claim.token_hmac
            )
        )
    ]
    if not earlier:
        return None
    first = min(earlier, key=lambda neighbour: neighbour.arrival)
    return Verdict(claim.reference, f"first a credit of {first.reference}", claim.before_tax)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditCase:
    """A credit and the SDR that it names. Amounts as sent; `original` values None: there is none.

    `credited`: a credit of it was accepted before, or an earlier one of the same batch takes it.
    """

    reference: str
    credit_reference: str
    before_tax: Decimal
    after_tax: Decimal | None
    currency: str
    home_csp_id: int | None
    has_agreement: bool
    original_found: bool
    original_before_tax: Decimal | None = None
    original_after_tax: Decimal | None = None
    original_currency: str = ""
    original_home_csp_id: int | None = None
    credited: bool = False


def credit_of_unknown(case: CreditCase) -> Verdict | None:
    """DUP-03: the SDR that the credit names is not known, or is itself a credit."""
    if case.original_found:
        return None
    return Verdict(case.credit_reference, "an SDR of this CSO", abs(case.before_tax))


def credited_before(case: CreditCase) -> Verdict | None:
    """DUP-04: what is credited once is not credited again."""
    if not case.original_found or not case.credited:
        return None
    return Verdict(case.credit_reference, "one credit", abs(case.before_tax))


def not_the_exact_negative(case: CreditCase) -> Verdict | None:
    """DUP-05: same home-CSP and currency, and every amount of the original negated."""
    if not case.original_found or case.original_before_tax is None:
        return None
    both_after = case.after_tax is not None and case.original_after_tax is not None
    exact = (
        case.before_tax == -case.original_before_tax
        and (not both_after or case.after_tax == -(case.original_after_tax or Decimal(0)))
        and case.currency == case.original_currency
        and case.home_csp_id == case.original_home_csp_id
    )
    if exact:
        return None
    return Verdict(
        f"{number_text(case.before_tax)} {case.currency}",
        f"{number_text(-case.original_before_tax)} {case.original_currency}",
        abs(case.before_tax),
    )


def credit_without_agreement(case: CreditCase) -> Verdict | None:
    """AGR-01 of a credit: without an agreement there is no calendar to settle it in."""
    if case.has_agreement:
        return None
    return Verdict("", "an agreement of the two parties", abs(case.before_tax))
