"""Deliveries: what waits to be handed to a platform, what was, and what was given up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from roaming.admin.session_story import title_of
from roaming.models import Delivery, JournalEntry
from roaming.staff_pages.cells import (
    brief_moment_column,
    code_column,
    column,
    link_column,
    link_to,
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
from roaming.staff_pages.staff_admin import FactAdmin, Panel
from roaming.staff_pages.steps import Situation, Step
from roaming.use_cases.dead_deliveries import send_again

SHADES = {
    "delivered": "success",
    "waiting": "warning",
    "dead": "danger",
    "replaced": "plain",
}


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
        f"It was given up after {situation.row.attempts} attempt(s): {situation.row.last_error}",
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

    steps = (SEND_AGAIN,)
    list_display = (
        "name", "shown_state", "to", "use_case", "attempts", "created_brief", "last_error",
    )  # fmt: skip
    list_display_links = ("name",)
    list_filter = ("state", "environment")
    list_select_related = ("receiver",)
    search_fields = ("pk",)
    search_help_text = "Message id"
    fields = (
        "shown_state", "receiver_link", "environment", "message_use_case", "path", "object_key",
        "message", "correlation", "attempts", "created", "due", "deadline_at", "delivered",
        "last_error",
    )  # fmt: skip
    readonly_fields = (
        "shown_state", "receiver_link", "message_use_case", "message", "correlation", "created",
        "due", "deadline_at", "delivered",
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
    deadline_at = moment_column("deadline", "Given up after")
    delivered = moment_column("delivered_at", "Delivered")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By message id; by correlation id the journal finds it."""
        if not (term := clean_term(search_term)):
            return queryset, False
        key = uuid_or_none(term)
        return (queryset.filter(message_id=key) if key else queryset.none()), False

    def personal_data(self, row: Any) -> Shown:
        return [("Message", pretty_json(row.body)), ("Answer", pretty_json(row.answer))]

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        entries = JournalEntry.objects.filter(correlation_id=row.correlation_id).order_by("id")
        lines = [
            (moment_cell(e.at), link_to(e, title_of(e.use_case)), e.get_outcome_display())
            for e in entries[:50]
        ]
        headers = ("When", "Message", "Outcome")
        return [Panel("Where it comes from", headers, lines, "The journal has nothing of it.")]
