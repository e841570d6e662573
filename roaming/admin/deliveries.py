"""Deliveries: what waits to be handed to a platform, what was, and what was given up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import Truncator

from roaming.models import (
    Agreement,
    Command,
    Delivery,
    EndpointHealth,
    JournalEntry,
    Reservation,
    ServiceSession,
)
from roaming.staff_pages.cells import (
    badge,
    brief_moment_column,
    code_column,
    column,
    link_column,
    link_to,
    link_to_page,
    moment,
    moment_cell,
    moment_column,
    name_column,
    one_line,
    pretty_json,
    state_column,
)
from roaming.staff_pages.long_lists import clean_term, uuid_or_none
from roaming.staff_pages.personal_data import PersonalDataPages, Shown
from roaming.staff_pages.refusal_words import explained, outcome_badge, plain_words, title_of
from roaming.staff_pages.staff_admin import FactAdmin, Panel
from roaming.staff_pages.steps import Situation, Step
from roaming.use_cases.dead_deliveries import send_again

HEALTH = {"connected": "success", "degraded": "warning", "offline": "danger"}
SHADES = {
    "delivered": "success",
    "waiting": "warning",
    "dead": "danger",
    "replaced": "plain",
}


# Deliveries name what they are about as kind:key; of these the row has a page.
_SUBJECTS: dict[str, type[Model]] = {
    "session": ServiceSession,
    "charging": ServiceSession,
    "plan": ServiceSession,
    "command": Command,
    "reservation": Reservation,
    "agreement": Agreement,
}


def _attempts(row: Delivery) -> str:
    return f"{row.attempts} attempt{'' if row.attempts == 1 else 's'}"


def _subject(row: Delivery) -> Any:
    """What it is about, with a link where that has a page."""
    kind, _, key = row.object_key.partition(":")
    model = _SUBJECTS.get(kind)
    return link_to_page(model._meta, key, f"{kind} {key}") if model else row.object_key


def _send_again(situation: Situation) -> str:
    send_again(situation.row, timezone.now())
    return "It waits again and is tried at once."


SEND_AGAIN = Step(
    name="send-again",
    label="Send again",
    permission="roaming.change_delivery",
    act=_send_again,
    when=lambda situation: situation.row.state == Delivery.State.DEAD,
    preview=lambda situation: [
        f"{situation.row.receiver} gets the message once more, with the same message id: who has "
        "it already takes it as a repetition.",
        f"It was given up after {_attempts(situation.row)}: {explained(situation.row.last_error)}.",
    ],
)


def short(object_key: str) -> str:
    """What it is about; of a long id its end, which tells rows apart.

    >>> short("session:01a105f1-dfe0-7d6c-91ab-8ec427bf94da"), short("tariff:DEVIS:T1")
    ('session …8ec427bf94da', 'tariff DEVIS:T1')
    """
    kind, _, key = object_key.partition(":")
    return f"{kind} {key if len(key) <= 20 else '…' + key[-12:]}"


@admin.register(Delivery)
class DeliveryAdmin(PersonalDataPages, FactAdmin):
    """Deliveries, newest first. Times are real time."""

    comes_from = (
        "Messages that are stored and handed on, such as sites, tariffs, completions and SDRs."
    )
    panels_first = True
    words = {"path": "Address below the endpoint"}
    steps = (SEND_AGAIN,)
    list_display = (
        "name", "shown_state", "to", "use_case", "attempts", "created_brief", "error_brief",
    )  # fmt: skip
    list_display_links = ("name",)
    list_filter = ("state", "environment")
    list_select_related = ("receiver",)
    search_fields = ("pk",)
    search_help_text = "Message id, correlation id"
    fields = (
        "shown_state", "receiver_link", "environment", "subject", "message_use_case", "path",
        "message", "correlation", "attempts", "created", "due", "deadline_at", "delivered",
        "error",
    )  # fmt: skip
    readonly_fields = (
        "shown_state", "subject", "error", "receiver_link", "message_use_case", "message",
        "correlation", "created", "due", "deadline_at", "delivered",
    )  # fmt: skip

    name = name_column("Object", lambda row: short(row.object_key))
    created_brief = brief_moment_column("created_at", "Made")
    to = column("To", lambda row: one_line(link_to(row.receiver, row.receiver.name)))
    shown_state = state_column("state", "Standing", SHADES)
    receiver_link = link_column("receiver", "To")
    message_use_case = column("Use case", lambda row: title_of(row.use_case))
    message = code_column("message_id", "Message id")
    correlation = code_column("correlation_id", "Correlation id")
    created = moment_column("created_at", "Made")
    due = column("Due", lambda row: moment(row.due_at) if row.state == "waiting" else "–")
    deadline_at = moment_column("deadline", "Tried until")
    subject = column("About", _subject)
    error = column("Last error", lambda row: explained(row.last_error) or "–")
    error_brief = column(
        "Last error", lambda row: Truncator(plain_words(row.last_error)).chars(36) or "–"
    )
    delivered = moment_column("delivered_at", "Delivered")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By message id or correlation id."""
        if not (term := clean_term(search_term)):
            return queryset, False
        found = Q(correlation_id=term)
        if (key := uuid_or_none(term)) is not None:
            found |= Q(message_id=key)
        return queryset.filter(found), False

    def personal_data(self, row: Any) -> Shown:
        return [("Message", pretty_json(row.body)), ("Answer", pretty_json(row.answer))]

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        return [*_why_given_up(row), _origin(row)]


def _why_given_up(row: Delivery) -> Sequence[Panel]:
    if row.state != Delivery.State.DEAD:
        return ()
    health = EndpointHealth.objects.filter(platform=row.receiver_id).first()
    standing = (
        badge(health.get_state_display(), HEALTH.get(health.state, "plain")) if health else "–"
    )
    lines = [
        ("What went wrong", f"{explained(row.last_error)}; {_attempts(row)} in all"),
        ("The receiver now", format_html("{} {}", link_to(row.receiver), standing)),
        (
            "What to do about it",
            "See that the receiver answers again (its page shows its health), then send again. Who "
            "fetches messages by GET messages finds it there meanwhile.",
        ),
    ]
    return [Panel("Why it was given up", ("", ""), lines, "")]


def _origin(row: Delivery) -> Panel:
    entries = JournalEntry.objects.filter(correlation_id=row.correlation_id).order_by("id")
    lines = [
        (
            moment_cell(entry.at),
            link_to(entry, title_of(entry.use_case)),
            outcome_badge(entry),
            link_to_page(
                ServiceSession._meta, entry.service_session_id, str(entry.service_session_id)
            )
            if entry.service_session_id
            else "–",
        )
        for entry in entries[:50]
    ]
    headers = ("When", "Message", "Outcome", "Session")
    return Panel("Where it comes from", headers, lines, "The journal has nothing of it.")
