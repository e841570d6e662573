"""The rules that SQL evaluates for thousands of SDRs at once; a function says the same of one."""

from __future__ import annotations

from roaming.domain.sdr import Severity
from settlement.domain.reconciliation import (
    amounts,
    authorisation,
    contradictions,
    identity,
    offline,
    place,
    plausibility,
    timing,
)
from settlement.domain.reconciliation.record_rules import RECORD_RULES
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
        "DUP-06",
        "Corrected without credit",
        Severity.SEVERE,
        "The same charge was claimed before under another id. A correction is a credit of the "
        "first SDR and a new one.",
        identity.corrected_without_credit,
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
        "AUT-07",
        "Authorised otherwise",
        Severity.WARNING,
        "The identification method, or who authorised, is not what the session shows.",
        contradictions.authorised_otherwise,
    ),
    CaseRule(
        "AUT-08",
        "Other authorisation",
        Severity.WARNING,
        "The authorization reference is not the one that the session was opened by.",
        contradictions.other_reference,
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
        "AGR-04",
        "Service not covered",
        Severity.SEVERE,
        "The SDR charges for a service that no agreement of the two parties covered when the "
        "session opened.",
        authorisation.service_not_covered,
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
        "TIM-08",
        "Total time differs",
        Severity.WARNING,
        "The total time is not the end of the session less its start.",
        contradictions.total_time_differs,
        Tolerance(Kind.TIME),
    ),
    CaseRule(
        "TIM-11",
        "Implausible duration",
        Severity.WARNING,
        "The session lasted longer than charging sessions do.",
        plausibility.implausible_duration,
        Tolerance(Kind.TIME, plausibility.LONGEST_S),
    ),
    CaseRule(
        "TIM-12",
        "Before its authorisation",
        Severity.WARNING,
        "The SDR starts long before its session was opened.",
        contradictions.before_its_authorisation,
        Tolerance(Kind.TIME, contradictions.BEFORE_OPENING_S),
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
        "QTY-08",
        "Implausible power",
        Severity.SEVERE,
        "On the average of the session it took more power than vehicles charge with.",
        plausibility.implausible_power,
        Tolerance(Kind.POWER, plausibility.MOST_POWER_KW),
    ),
    CaseRule(
        "QTY-09",
        "Implausible energy",
        Severity.SEVERE,
        "It took more energy than a vehicle holds.",
        plausibility.implausible_energy,
        Tolerance(Kind.ENERGY, plausibility.MOST_ENERGY_KWH),
    ),
    CaseRule(
        "QTY-10",
        "Fee without energy",
        Severity.WARNING,
        "Nothing was charged and something is claimed.",
        plausibility.fee_without_energy,
    ),
    CaseRule(
        "QTY-11",
        "Energy not as completed",
        Severity.SEVERE,
        "The CSO itself completed the session with another energy.",
        contradictions.not_as_completed,
        Tolerance(Kind.ENERGY),
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
        Tolerance(Kind.MONEY),
    ),
    CaseRule(
        "PRC-05",
        "Other currency",
        Severity.SEVERE,
        "The SDR is not in the agreement's currency.",
        amounts.other_currency,
    ),
    CaseRule(
        "PRC-12",
        "Negative claim",
        Severity.SEVERE,
        "Money goes back without a credit that says of what.",
        amounts.negative_claim,
    ),
    *RECORD_RULES,
)
