"""The rules of matching, and of the home-CSP's own record (settlement.md, section 3)."""

from __future__ import annotations

from roaming.domain.sdr import Severity
from settlement.domain.reconciliation import own_record
from settlement.domain.reconciliation.rule import CaseRule, Kind, Tolerance

RECORD_RULES: tuple[CaseRule, ...] = (
    CaseRule(
        "AUT-20",
        "Several sessions possible",
        Severity.SEVERE,
        "The SDR names no service session, and what it says fits several. A person chooses.",
        own_record.several_sessions,
    ),
    CaseRule(
        "AUT-21",
        "Other identification recorded",
        Severity.SEVERE,
        "The home-CSP's own record of the session is of another identification.",
        own_record.identification_differs,
    ),
    CaseRule(
        "TIM-20",
        "Other times recorded",
        Severity.SEVERE,
        "Start or end differ from the home-CSP's own record of the session.",
        own_record.times_differ,
        Tolerance(Kind.TIME),
    ),
    CaseRule(
        "QTY-20",
        "Other energy recorded",
        Severity.SEVERE,
        "The energy differs from the home-CSP's own record of the session.",
        own_record.energy_differs,
        Tolerance(Kind.ENERGY),
    ),
    CaseRule(
        "QTY-21",
        "Other EVSE recorded",
        Severity.SEVERE,
        "The home-CSP's own record of the session names another EVSE.",
        own_record.evse_differs,
    ),
    CaseRule(
        "PRC-20",
        "Other total recorded",
        Severity.SEVERE,
        "The total before tax differs from the home-CSP's own record of the session.",
        own_record.total_differs,
        Tolerance(Kind.MONEY),
    ),
    CaseRule(
        "PRC-21",
        "Other currency recorded",
        Severity.SEVERE,
        "The home-CSP recorded the cost of the session in another currency.",
        own_record.currency_differs,
    ),
    CaseRule(
        "DAT-20",
        "Several records possible",
        Severity.WARNING,
        "Several of the home-CSP's own records fit this SDR, so none was held against it.",
        own_record.several_records,
    ),
    CaseRule(
        "DAT-21",
        "Record of the home-CSP missing",
        Severity.WARNING,
        "The agreement requires the home-CSP's own record of the session, and it has not come. The "
        "claim was judged without it.",
        own_record.record_missing,
    ),
)
