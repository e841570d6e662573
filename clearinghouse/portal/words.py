"""What people read of states, outcomes, severities and reasons, and the mark that each bears."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clearinghouse.portal.presentation import EMPTY, badge

Words = str | Promise

STATES: dict[str, tuple[Words, str]] = {
    "received": (gettext_lazy("Received"), "plain"),
    "validated": (gettext_lazy("Checked at the door"), "plain"),
    "rejected": (gettext_lazy("Rejected"), "bad"),
    "matched": (gettext_lazy("Matched"), "plain"),
    "unmatched": (gettext_lazy("Unmatched"), "warn"),
    "rated": (gettext_lazy("Agrees, open"), "info"),
    "deviating": (gettext_lazy("Deviating"), "warn"),
    "not_ratable": (gettext_lazy("Not ratable"), "warn"),
    "accepted": (gettext_lazy("Accepted"), "ok"),
    "disputed": (gettext_lazy("Disputed"), "bad"),
    "settled": (gettext_lazy("Settled"), "ok"),
    "invoiced": (gettext_lazy("Invoiced"), "ok"),
    "paid": (gettext_lazy("Paid"), "ok"),
    "credited": (gettext_lazy("Credited"), "plain"),
    "written_off": (gettext_lazy("Written off"), "plain"),
}
OUTCOMES: dict[str, tuple[Words, str]] = {
    "agreed": (gettext_lazy("Agreed"), "ok"),
    "within_tolerance": (gettext_lazy("Within tolerance"), "ok"),
    "deviating": (gettext_lazy("Deviating"), "warn"),
    "one_sided": (gettext_lazy("One-sided"), "warn"),
    "not_ratable": (gettext_lazy("Not ratable"), "warn"),
    "rejected": (gettext_lazy("Rejected"), "bad"),
}
SEVERITIES: dict[str, tuple[Words, str]] = {
    "fatal": (gettext_lazy("Fatal"), "bad"),
    "severe": (gettext_lazy("Severe"), "warn"),
    "warning": (gettext_lazy("For information"), "info"),
}
DISPUTES: dict[str, tuple[Words, str]] = {
    "respondent": (gettext_lazy("Waits for the visited-CSO"), "info"),
    "claimant": (gettext_lazy("Waits for the home-CSP"), "info"),
    "review": (gettext_lazy("Waits for the clearing house"), "info"),
    "resolved": (gettext_lazy("Resolved"), "ok"),
    "withdrawn": (gettext_lazy("Withdrawn"), "plain"),
}
RESULTS: dict[str, Words] = {
    "upheld": gettext_lazy("The clearing house upheld it"),
    "partly": gettext_lazy("The clearing house ruled an amount between"),
    "dismissed": gettext_lazy("The clearing house dismissed it"),
    "conceded": gettext_lazy("The visited-CSO conceded"),
    "agreed": gettext_lazy("The parties agreed"),
    "withdrawn": gettext_lazy("The home-CSP withdrew"),
    "credited": gettext_lazy("The visited-CSO credited the SDR"),
}
STEPS: dict[str, Words] = {
    "opened": gettext_lazy("Opened"),
    "maintain": gettext_lazy("Claim maintained"),
    "concede": gettext_lazy("Conceded"),
    "offer": gettext_lazy("Offer"),
    "accept": gettext_lazy("Accepted"),
    "insist": gettext_lazy("Insisted"),
    "withdraw": gettext_lazy("Withdrawn"),
    "uphold": gettext_lazy("Upheld"),
    "rule_partly": gettext_lazy("Ruled in part"),
    "dismiss": gettext_lazy("Dismissed"),
    "extend": gettext_lazy("More time given"),
    "request_more": gettext_lazy("More was asked for"),
    "overdue": gettext_lazy("Overdue"),
    "credited": gettext_lazy("Credited"),
    "message": gettext_lazy("Message"),
    "evidence": gettext_lazy("Evidence"),
}
REFUSALS: dict[str, Words] = {
    "unknown_sdr": gettext_lazy("There is no such SDR."),
    "not_decidable": gettext_lazy("It is decided, settled or rejected, or a credit."),
    "window_over": gettext_lazy("The window for this decision has passed."),
    "no_agreement": gettext_lazy("No agreement covers it, so there is nothing to settle it by."),
    "other_currency": gettext_lazy("Its currency is not that of the agreement."),
    "dispute_closed": gettext_lazy("The dispute has ended already."),
    "not_your_turn": gettext_lazy("This step is not yours to take now."),
    "amount_not_possible": gettext_lazy(
        "The amount is not possible: from zero to the claim, at the currency's digits."
    ),
    "text_missing": gettext_lazy("This needs a text that says why."),
    "too_much_evidence": gettext_lazy("The dispute has as many files as it can have."),
    "evidence_too_large": gettext_lazy("The file is too large."),
    "evidence_type": gettext_lazy(
        "Taken are PDF, PNG, JPEG, CSV, text, JSON and XML, judged by their content."
    ),
    "not_home_csp": gettext_lazy("The home-CSP decides on it."),
}


def mark(kind: dict[str, tuple[Words, str]], value: str) -> SafeString | str:
    """The words of a value, as a mark."""
    if not value:
        return EMPTY
    words, shade = kind.get(value, (value, "plain"))
    return badge(words, shade)


def plain(kind: dict[str, tuple[Words, str]]) -> list[tuple[str, Words]]:
    """For a form's choice: any of them in front."""
    return [("", _("Any")), *((value, words) for value, (words, _shade) in kind.items())]
