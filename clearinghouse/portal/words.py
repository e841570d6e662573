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
REFUSALS: dict[str, Words] = {
    "unknown_sdr": gettext_lazy("There is no such SDR."),
    "not_decidable": gettext_lazy("It is decided, settled or rejected, or a credit."),
    "window_over": gettext_lazy("The window for this decision has passed."),
    "no_agreement": gettext_lazy("No agreement covers it, so there is nothing to settle it by."),
    "other_currency": gettext_lazy("Its currency is not that of the agreement."),
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
