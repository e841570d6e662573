"""Why a message was refused, in words: what was wrong, whose fault it was, what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from roaming.domain import use_case
from roaming.domain.refusals import CATALOGUE
from roaming.models import JournalEntry, ServiceSession
from roaming.staff_pages.cells import anchor, badge, link_to, link_to_page, moment
from roaming.staff_pages.staff_admin import Panel

OUTCOMES = {
    "accepted": "success",
    "refused": "warning",
    "refused_by_hub": "danger",
    "failed": "danger",
    "pending": "plain",
}
_NOT_ACCEPTED = {
    JournalEntry.Outcome.REFUSED,
    JournalEntry.Outcome.REFUSED_BY_HUB,
    JournalEntry.Outcome.FAILED,
}


def plain_words(reason: str) -> str:
    """A code as people say it; a sentence stays as it is.

    >>> plain_words("receiver_timed_out"), plain_words("HTTP 422: no_such_thing")
    ('receiver timed out', 'HTTP 422: no_such_thing')
    """
    return reason if " " in reason else reason.replace("_", " ")


def explained(reason: str) -> str:
    """What the catalogue says of a code, else the code in words."""
    known = CATALOGUE.get(reason)
    return known.title if known else plain_words(reason)


def title_of(code: str) -> str:
    """A use case in words, as far as the standard names it."""
    title = use_case.title_of(code)
    return code if title == code else f"{code} {title}"


def outcome_badge(entry: JournalEntry) -> Any:
    """How a message ended; of a message that was only taken in, that."""
    if entry.phase == JournalEntry.Phase.ADMITTED:
        return "taken in"
    words = plain_words(entry.refusal_code) or entry.get_outcome_display()
    return badge(words, OUTCOMES.get(entry.outcome, "plain"))


def was_not_accepted(entry: JournalEntry) -> bool:
    """Whether the entry is a verdict that somebody may ask about."""
    return entry.phase == JournalEntry.Phase.VERDICT and entry.outcome in _NOT_ACCEPTED


def refusal_panel(entry: JournalEntry, *, with_message: bool = False) -> Panel:
    """The answer to “why was this message refused?”; `with_message` where it is not on the page."""
    lines: list[tuple[Any, Any]] = []
    if with_message:
        lines.append(("Message", _message(entry)))
    reason = CATALOGUE.get(entry.refusal_code)
    if reason is not None:
        lines += [
            ("What was wrong", reason.title),
            ("Whose fault", reason.fault.value),
            ("What to do about it", reason.what_to_do),
            ("Code", _code(reason.code)),
        ]
    else:
        lines += _by_the_receiver(entry)
    if with_message and entry.service_session_id is not None:
        link = link_to_page(
            ServiceSession._meta, entry.service_session_id, str(entry.service_session_id)
        )
        lines.append(("Its session", link))
    return Panel("Why it was refused", ("", ""), lines, "")


def _message(entry: JournalEntry) -> Any:
    words = f"{title_of(entry.use_case)}, from {entry.sender.name}, {moment(entry.at)}"
    return link_to(entry, words)


def _code(name: str) -> Any:
    """Leads to where the operator's engineers read of it."""
    return anchor(f"{reverse('api-refusals')}#{name}", name)


def _by_the_receiver(entry: JournalEntry) -> Sequence[tuple[Any, Any]]:
    """A reason of the receiver's own, or none at all."""
    if entry.outcome == JournalEntry.Outcome.REFUSED:
        said = f": {plain_words(entry.refusal_code)}" if entry.refusal_code else ""
        return [
            ("What was wrong", f"The receiver said no{said}"),
            ("Whose fault", "nobody's: the receiver decides"),
            ("What to do about it", "Ask the receiver why; quote the correlation id."),
        ]
    return [
        ("What was wrong", plain_words(entry.refusal_code) or entry.get_outcome_display()),
        ("Whose fault", "not told"),
        ("What to do about it", "Look at the whole transaction and at the receiver's health."),
    ]
