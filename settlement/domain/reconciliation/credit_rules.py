"""The rules of credits: each takes back one SDR exactly."""

from __future__ import annotations

from roaming.domain.sdr import Severity
from settlement.domain.reconciliation import identity
from settlement.domain.reconciliation.rule import CreditRule

CREDIT_RULES: tuple[CreditRule, ...] = (
    CreditRule(
        "DUP-03",
        "Credit of an unknown SDR",
        Severity.SEVERE,
        "The credit names an SDR that is not known from this CSO.",
        identity.credit_of_unknown,
    ),
    CreditRule(
        "DUP-04",
        "Credited before",
        Severity.SEVERE,
        "The SDR that the credit names was credited already.",
        identity.credited_before,
    ),
    CreditRule(
        "DUP-05",
        "Not the exact negative",
        Severity.SEVERE,
        "A credit takes back the whole claim: same parties, same currency, every amount negated.",
        identity.not_the_exact_negative,
    ),
    CreditRule(
        "AGR-01",
        "No agreement",
        Severity.SEVERE,
        "No agreement of the two parties was in force when the session opened.",
        identity.credit_without_agreement,
    ),
)
