"""The rules that SQL evaluates for thousands of SDRs at once; a function says the same of one."""

from __future__ import annotations

from roaming.domain.sdr import Severity
from settlement.domain.reconciliation import (
    amounts,
    authorisation,
    identity,
    offline,
    place,
    timing,
)
from settlement.domain.reconciliation.rule import CaseRule, Kind, Tolerance

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
        "AGR-01",
        "No agreement",
        Severity.SEVERE,
        "No agreement of the two parties was in force when the session opened.",
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
        Tolerance(Kind.TIME),
    ),
    CaseRule(
        "TIM-07",
        "Token in use",
        Severity.SEVERE,
        "The same identification was charging at another EVSE at the same time.",
        timing.token_in_use,
        Tolerance(Kind.TIME),
    ),
    CaseRule(
        "QTY-02",
        "Energy does not add up",
        Severity.SEVERE,
        "The total energy is not the sum of the charging periods.",
        amounts.energy_does_not_add_up,
        Tolerance(Kind.ENERGY),
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
        Tolerance(Kind.MONEY),
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
