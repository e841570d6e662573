"""The registry of rules: every finding's id, title, severity and explanation (settlement.md, 3).

`RULES` are checked here, one function each. `AT_THE_DOOR` are found when an SDR is taken in, and
`WHILE_RATING` by rating; both stand here so that a list of findings can name them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from roaming.domain.sdr import Severity
from settlement.domain.reconciliation import (
    amounts,
    authorisation,
    identity,
    offline,
    place,
    timing,
)
from settlement.domain.reconciliation.case import Case, Verdict
from settlement.domain.reconciliation.identity import CreditCase


@dataclass(frozen=True, slots=True)
class Rule:
    """What people read of a rule. A severe finding makes the SDR deviate."""

    id: str
    title: str
    severity: Severity
    explanation: str


@dataclass(frozen=True, slots=True)
class CaseRule(Rule):
    """A rule of an ordinary SDR, and its check."""

    check: Callable[[Case], Verdict | None]


@dataclass(frozen=True, slots=True)
class CreditRule(Rule):
    """A rule of a credit, and its check."""

    check: Callable[[CreditCase], Verdict | None]


_NO_AGREEMENT = Rule(
    "AGR-01",
    "No agreement",
    Severity.SEVERE,
    "No agreement of the two parties was in force when the session opened.",
)

RULES: tuple[CaseRule, ...] = (
    CaseRule(
        "DUP-02",
        "Second SDR for one session",
        Severity.SEVERE,
        "Another SDR of the same service session came first. One session is paid once; a "
        "correction needs a credit of the first.",
        identity.second_sdr,
    ),
    CaseRule(
        "AUT-01",
        "No authorisation",
        Severity.SEVERE,
        "The clearing house has no authorisation of the home-CSP for this session.",
        authorisation.without_authorisation,
    ),
    CaseRule(
        "AUT-03",
        "Offline without data",
        Severity.SEVERE,
        "The start claims to be authorised offline, but the home-CSP had distributed nothing that "
        "this CSO could have relied on then.",
        offline.without_data,
    ),
    CaseRule(
        "AUT-04",
        "Blocked or expired",
        Severity.SEVERE,
        "The start claims to be authorised offline, but by the data that the home-CSP had "
        "distributed the identification was blocked or had expired.",
        offline.not_good,
    ),
    CaseRule(
        "AUT-05",
        "Offline not allowed",
        Severity.SEVERE,
        "The start claims to be authorised offline, but the home-CSP had reserved the decision on "
        "this identification to itself.",
        offline.policy_forbids,
    ),
    CaseRule(
        _NO_AGREEMENT.id,
        _NO_AGREEMENT.title,
        _NO_AGREEMENT.severity,
        _NO_AGREEMENT.explanation,
        authorisation.without_agreement,
    ),
    CaseRule(
        "AGR-02",
        "Agreement suspended",
        Severity.SEVERE,
        "The session was opened while the agreement was suspended for new business.",
        authorisation.suspended,
    ),
    CaseRule(
        "TIM-05",
        "Late SDR",
        Severity.SEVERE,
        "The SDR arrived after the window that the agreement allows.",
        timing.late,
    ),
    CaseRule(
        "TIM-06",
        "EVSE in use",
        Severity.SEVERE,
        "Another session at the same EVSE overlaps with this one; an EVSE charges one vehicle at a "
        "time.",
        timing.evse_in_use,
    ),
    CaseRule(
        "TIM-07",
        "Token in use",
        Severity.SEVERE,
        "The same identification was charging at another EVSE at the same time.",
        timing.token_in_use,
    ),
    CaseRule(
        "QTY-02",
        "Energy does not add up",
        Severity.SEVERE,
        "The total energy is not the sum of the charging periods.",
        amounts.energy_does_not_add_up,
    ),
    CaseRule(
        "QTY-06",
        "Other EVSE",
        Severity.SEVERE,
        "The EVSE is not the one of the session, or none that this CSO had published when the "
        "session opened.",
        place.other_evse,
    ),
    CaseRule(
        "PRC-01",
        "Total differs",
        Severity.SEVERE,
        "The total is not what the tariff in force gives for this session.",
        amounts.total_differs,
    ),
    CaseRule(
        "PRC-02",
        "Not ratable",
        Severity.SEVERE,
        "No price follows from what the SDR says.",
        amounts.not_ratable,
    ),
    CaseRule(
        "PRC-04",
        "Other tariff",
        Severity.SEVERE,
        "The SDR was priced by a tariff that was not in force when the session started.",
        amounts.other_tariff,
    ),
    CaseRule(
        "PRC-05",
        "Other currency",
        Severity.SEVERE,
        "The SDR is not in the agreement's currency.",
        amounts.other_currency,
    ),
)

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
        _NO_AGREEMENT.id,
        _NO_AGREEMENT.title,
        _NO_AGREEMENT.severity,
        _NO_AGREEMENT.explanation,
        identity.credit_without_agreement,
    ),
)

# Rating's code -> the rule under which its finding is kept.
WHILE_RATING: dict[str, Rule] = {
    "boundary_inside_period": Rule(
        "PRC-06",
        "Price changes inside a period",
        Severity.WARNING,
        "The tariff changes its price inside a charging period; the state at its start priced it.",
    ),
    "tariff_id_missing": Rule(
        "PRC-07",
        "Period without tariff",
        Severity.WARNING,
        "Some charging periods name their tariff and others do not.",
    ),
    "tariff_not_in_force": Rule(
        "PRC-08",
        "Tariff's own dates",
        Severity.WARNING,
        "By its own start and end the tariff does not hold at the start of the session.",
    ),
    "bounds_contradict": Rule(
        "PRC-09",
        "Bounds contradict",
        Severity.WARNING,
        "The tariff's min_price lies above its max_price.",
    ),
    "rates_without_tax": Rule(
        "TAX-01",
        "Rates without tax",
        Severity.WARNING,
        "The tariff says that no tax applies, and states rates.",
    ),
    "contained_tax_unknown": Rule(
        "TAX-02",
        "Contained tax unknown",
        Severity.SEVERE,
        "Prices contain taxes at rates that the tariff does not state: the total before tax is "
        "unknown.",
    ),
    "added_tax_unknown": Rule(
        "TAX-03",
        "Added tax unknown",
        Severity.WARNING,
        "Taxes are added at rates that the tariff does not state: no total after tax follows.",
    ),
}
OTHER_WHILE_RATING = Rule(
    "PRC-10", "Noted while rating", Severity.WARNING, "Rating noticed something about this SDR."
)

# What the door writes, with titles for lists; the explanations stand on the findings.
AT_THE_DOOR: tuple[Rule, ...] = tuple(
    Rule(rule, title, severity, "")
    for rule, title, severity in (
        ("DAT-01", "Field missing", Severity.FATAL),
        ("DAT-03", "Field too long", Severity.SEVERE),
        ("DAT-04", "Time zone unknown", Severity.WARNING),
        ("TIM-01", "End before start", Severity.FATAL),
        ("TIM-02", "Session in the future", Severity.FATAL),
        ("TIM-03", "Time without offset", Severity.SEVERE),
        ("TIM-04", "Impossible time", Severity.FATAL),
        ("QTY-01", "Negative energy", Severity.FATAL),
        ("QTY-05", "EVSE-ID unreadable", Severity.SEVERE),
        ("AUT-02", "Session id unreadable", Severity.SEVERE),
        ("AGR-03", "Home-CSP unknown", Severity.FATAL),
    )
)

# Judged anew by each run: a finding of these that no longer holds is superseded.
JUDGED_ANEW: tuple[str, ...] = tuple(
    sorted(
        {rule.id for rule in (*RULES, *CREDIT_RULES, *WHILE_RATING.values(), OTHER_WHILE_RATING)}
    )
)


def rule_titles() -> dict[str, str]:
    """Rule id -> title, for every rule that can stand on a finding.

    >>> rule_titles()["DUP-02"]
    'Second SDR for one session'
    """
    every: tuple[Rule, ...] = (
        *RULES,
        *CREDIT_RULES,
        *WHILE_RATING.values(),
        OTHER_WHILE_RATING,
        *AT_THE_DOOR,
    )
    return {rule.id: rule.title for rule in every}
