"""Commands with an asynchronous result, and reservations: asked, answered, what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from roaming.domain.uuid7 import uuid7_at
from roaming.models import Command, Evse, JournalEntry, Reservation, ServiceSession
from roaming.models.clock import business_now
from roaming.staff_pages.cells import (
    badge,
    brief_moment,
    brief_moment_column,
    code,
    code_column,
    column,
    link_column,
    link_to,
    moment_cell,
    moment_column,
    name_column,
    state_column,
)
from roaming.staff_pages.long_lists import Search, clean_term, day_filter, found_by, uuid_or_none
from roaming.staff_pages.personal_data import PersonalDataPages, Shown, masked
from roaming.staff_pages.refusal_words import explained, outcome_badge, plain_words, title_of
from roaming.staff_pages.staff_admin import FactAdmin, Panel

COMMANDS = {
    "succeeded": "success",
    "accepted": "info",
    "asked": "info",
    "rejected": "warning",
    "failed": "danger",
    "timed_out": "danger",
    "not_reached": "danger",
}
RESERVATIONS = {
    "reserved": "info",
    "fulfilled": "success",
    "rejected": "warning",
    "no_show": "warning",
    "requested": "info",
}


def minted_between(begin: datetime, end: datetime) -> Q:
    """Keys carry the moment they were minted at: a day is a range of the primary key."""
    return Q(pk__gte=uuid7_at(begin, 0), pk__lt=uuid7_at(end, 0))


def command_searches(term: str) -> Iterator[Search]:
    """Command, session or reservation id, correlation id, EVSE."""
    if (key := uuid_or_none(term)) is not None:
        yield Search(Q(pk=key))
        yield Search(Q(session=key))
        yield Search(Q(reservation=key))
    yield Search(Q(correlation_id=term))
    evse_key = term.upper().replace("*", "").replace("-", "")
    for evse in Evse.objects.filter(key=evse_key).values_list("pk", flat=True):
        yield Search(Q(evse=evse), ("evse_id", "-id"))


def timed_out_lately(commands: QuerySet[Any], now: datetime) -> QuerySet[Any]:
    """The commands of the last 24 hours of which no result came in time."""
    return commands.filter(state="timed_out", asked_at__gt=now - timedelta(days=1))


class LateFilter(admin.SimpleListFilter):
    """The rows behind the number of the first page."""

    title = "missing results"
    parameter_name = "late"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("day", "Asked in the last 24 hours, no result in time")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return timed_out_lately(queryset, business_now()) if self.value() == "day" else queryset


@admin.register(Command)
class CommandAdmin(PersonalDataPages, FactAdmin):
    """Commands, newest first: remote start and stop, reservation, cable unlocking."""

    comes_from = (
        "A command is a remote start or stop, a reservation or an unlocking (UC3-2, "
        "UC3-4, UC3-8, UC5-2, UC5-3)."
    )
    list_display = (
        "name", "case", "shown_state", "cso", "csp", "evse_link", "ended_brief", "why_not",
    )  # fmt: skip
    list_display_links = ("name",)
    list_filter = (
        LateFilter, "state", "kind", day_filter("day", "day (YYYY-MM-DD)", minted_between),
    )  # fmt: skip
    list_select_related = ("visited_cso", "home_csp", "evse")
    search_fields = ("pk",)
    search_help_text = "Command id, session id, correlation id, EVSE-ID"
    panels_first = True
    words = {"connector_id": "Connector", "note": "Words to the user"}
    fieldsets = (
        (
            "Command",
            {"fields": ("key", "case", ("asked_to", "shown_state"), ("why_not_whole", "note"))},
        ),
        ("Parties", {"fields": (("asker", "environment"), ("csp", "cso"))}),
        ("About", {"fields": ("session_link", "reservation_link", ("evse_link", "connector_id"))}),
        ("Who wanted it, and why", {"fields": ("wanted_by", "wanted_why")}),
        (
            "When",
            {"fields": (("asked", "answered"), ("due", "timed_out"), ("ended", "late"))},
        ),
        ("Ids", {"fields": ("correlation",)}),
    )
    readonly_fields = (
        "key", "case", "shown_state", "asker", "csp", "cso", "session_link", "reservation_link",
        "evse_link", "asked", "answered", "due", "timed_out", "ended", "late", "correlation",
        "asked_to", "why_not_whole", "wanted_by", "wanted_why",
    )  # fmt: skip

    name = name_column("Asked", lambda row: brief_moment(row.asked_at))
    asked_to = column("Kind", lambda row: plain_words(row.kind).capitalize())
    # Words of people about people: whoever may see them looks at them on a page that is logged.
    wanted_by = column("Wanted by", lambda row: masked(row.requested_by))
    wanted_why = column("Why", lambda row: masked(row.why))
    why_not_whole = column("Reason", lambda row: explained(row.reason) or "–")
    key = column("Command id", lambda row: code(str(row.pk)))
    case = column("Use case", lambda row: title_of(row.use_case))
    shown_state = state_column("state", "State", COMMANDS)
    asker = link_column("asked_by", "Asked by")
    cso = link_column("visited_cso", "visited-CSO")
    csp = link_column("home_csp", "home-CSP")
    session_link = link_column("session", "Service session")
    reservation_link = link_column("reservation", "Reservation")
    evse_link = link_column("evse", "EVSE")
    why_not = column("Reason", lambda row: plain_words(row.reason) or "–")
    asked = moment_column("asked_at", "Asked")
    answered = moment_column("answered_at", "Answered")
    due = moment_column("result_due_at", "Result due")
    timed_out = moment_column("timed_out_at", "Timed out")
    ended = moment_column("ended_at", "Result came")
    ended_brief = brief_moment_column("ended_at", "Result")
    late = column(
        "In time",
        lambda row: badge("late", "warning") if row.result_was_late else "–",
    )
    correlation = code_column("correlation_id", "Correlation id")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By any of the ids that are indexed."""
        term = clean_term(search_term)
        return (found_by(queryset, command_searches(term)) if term else queryset), False

    def personal_data(self, row: Any) -> Shown:
        return [("Wanted by", row.requested_by), ("Why", row.why)]

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        return [_what_it_means(row), _messages(row)]


_MEANING = {
    "asked": ("The visited-CSO was asked; it has not answered yet.", "Wait a moment."),
    "accepted": ("The visited-CSO took it; its result is awaited.", "Wait until it is due."),
    "succeeded": ("It was done.", "Nothing."),
    "rejected": ("The visited-CSO said no at once.", "The reason is the CSO's own: ask the CSO."),
    "failed": (
        "The visited-CSO took it and could not do it.", "The reason is the CSO's own: ask the CSO.",
    ),
    "not_reached": (
        "The visited-CSO could not be asked, or its answer was not understood.",
        "Look at the health of its platform. Whether the charging station did it is not known.",
    ),
    "timed_out": (
        "The visited-CSO took it and told no result in time. The home-CSP was told so.",
        "Ask the CSO what became of it; a late result is still taken.",
    ),
}  # fmt: skip


def _what_it_means(row: Command) -> Panel:
    meaning, to_do = _MEANING[row.state]
    lines = [("What happened", meaning), ("What to do about it", to_do)]
    return Panel("Where it stands", ("", ""), lines, "")


def _messages(row: Command) -> Panel:
    entries = JournalEntry.objects.filter(correlation_id=row.correlation_id).order_by("id")
    lines = [
        (
            moment_cell(entry.at),
            link_to(entry, title_of(entry.use_case)),
            entry.sender.name,
            outcome_badge(entry),
        )
        for entry in entries.select_related("sender")[:50]
    ]
    headers = ("When", "Message", "From", "Outcome")
    return Panel("Its messages", headers, lines, "The journal has nothing of it.")


@admin.register(Reservation)
class ReservationAdmin(FactAdmin):
    """Reservations, newest first."""

    comes_from = "Home-CSPs reserve EVSEs for their users (UC3-8)."
    list_display = ("name", "shown_state", "evse_link", "cso", "csp", "reference", "until")
    list_display_links = ("name",)
    list_filter = ("state", day_filter("day", "day it was asked for (YYYY-MM-DD)", minted_between))
    list_select_related = ("visited_cso", "home_csp", "evse")
    search_fields = ("pk",)
    search_help_text = "Reservation id, reference of the home-CSP"
    words = {"connector_id": "Connector", "cso_reference": "The CSO's reference"}
    fieldsets = (
        ("Reservation", {"fields": ("key", "shown_state", "reason", "environment")}),
        ("Parties", {"fields": (("csp", "reference"), ("cso", "cso_reference"))}),
        ("Place", {"fields": (("evse_link", "connector_id"), "session_link")}),
        ("When", {"fields": ("asked", ("starts", "expires"), "ended")}),
    )
    readonly_fields = (
        "key", "shown_state", "csp", "cso", "evse_link", "session_link", "asked", "starts",
        "expires", "ended",
    )  # fmt: skip

    name = name_column("Asked for", lambda row: brief_moment(row.requested_at))
    key = column("Reservation id", lambda row: code(str(row.pk)))
    shown_state = state_column("state", "State", RESERVATIONS)
    cso = link_column("visited_cso", "visited-CSO")
    csp = link_column("home_csp", "home-CSP")
    evse_link = link_column("evse", "EVSE")
    session_link = link_column("session", "Service session")
    until = brief_moment_column("expires_at", "Until")
    asked = moment_column("requested_at", "Asked for")
    starts = moment_column("starts_at", "From")
    expires = moment_column("expires_at", "Until")
    ended = moment_column("ended_at", "Ended")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By id, or by the home-CSP's reference."""
        if not (term := clean_term(search_term)):
            return queryset, False
        found = Q(reference=term)
        if (key := uuid_or_none(term)) is not None:
            found |= Q(pk=key)
        return queryset.filter(found), False

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        return [commands_panel(row.commands.all())]


def commands_panel(commands: QuerySet[Command]) -> Panel:
    """The commands of a session or reservation."""
    lines = [
        (
            link_to(command, title_of(command.use_case)),
            badge(command.get_state_display(), COMMANDS.get(command.state, "plain")),
            moment_cell(command.asked_at),
            moment_cell(command.ended_at),
            plain_words(command.reason) or "–",
        )
        for command in commands.order_by("id")[:50]
    ]
    headers = ("Command", "State", "Asked", "Result", "Reason")
    return Panel("Commands", headers, lines, "Nothing was asked for.")


def session_panels_of_commands(session: ServiceSession) -> Iterator[Panel]:
    """The reservation that the session began with and its commands, where there are any."""
    reservation = Reservation.objects.filter(session=session).first()
    if reservation is not None:
        line = (
            link_to(reservation),
            badge(reservation.get_state_display(), RESERVATIONS.get(reservation.state, "plain")),
            moment_cell(reservation.starts_at),
            moment_cell(reservation.expires_at),
        )
        yield Panel("Reservation", ("Reference", "State", "From", "Until"), [line], "")
    commands = session.commands.all()
    if commands.exists():
        yield commands_panel(commands)
