"""What the door writes as an SDR is taken in. It stays: what a party was told stays true."""

from __future__ import annotations

from roaming.domain.sdr import Severity
from settlement.domain.reconciliation.rule import Rule

AT_THE_DOOR: tuple[Rule, ...] = (
    Rule(
        "DAT-01",
        "Field missing",
        Severity.FATAL,
        "A field is missing without which an SDR cannot stand.",
    ),
    Rule(
        "DAT-03",
        "Field too long",
        Severity.SEVERE,
        "A field is longer than it can be and was left out.",
    ),
    Rule(
        "DAT-04",
        "Time zone unknown",
        Severity.WARNING,
        "The time zone is none of the tz database; the site's is taken.",
    ),
    Rule("TIM-01", "End before start", Severity.FATAL, "The session ends before it starts."),
    Rule("TIM-02", "Session in the future", Severity.FATAL, "The session lies in the future."),
    Rule(
        "TIM-03",
        "Time without offset",
        Severity.SEVERE,
        "A time does not say its offset; it was read in the SDR's time zone, or as UTC.",
    ),
    Rule(
        "TIM-04",
        "Impossible time",
        Severity.FATAL,
        "A time is none that a charging session can have.",
    ),
    Rule(
        "QTY-01",
        "Negative energy",
        Severity.FATAL,
        "The energy is negative and the SDR is not a credit.",
    ),
    Rule("QTY-05", "EVSE-ID unreadable", Severity.SEVERE, "The EVSE-ID cannot be read."),
    Rule(
        "AUT-02",
        "Session id unreadable",
        Severity.SEVERE,
        "The service session id is none that the clearing house minted.",
    ),
    Rule(
        "AUT-06",
        "Contract of another CSP",
        Severity.SEVERE,
        "The contract is not one of the home-CSP that the SDR names; milder where its provider "
        "does not take part here.",
    ),
    Rule(
        "DUP-01",
        "Same id, other content",
        Severity.WARNING,
        "Other content was sent under the id of this SDR. It was refused; what stood, stands.",
    ),
    Rule("AGR-03", "Home-CSP unknown", Severity.FATAL, "The home-CSP does not take part here."),
)
