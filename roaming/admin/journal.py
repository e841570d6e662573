"""The journal of the switch: each transaction's two rows, what was refused, why, what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import path

from roaming.admin.deliveries import SHADES, short
from roaming.admin.finding_rows import find_view
from roaming.domain.use_case import EXCHANGES
from roaming.models import Agreement, Delivery, Evse, JournalBody, JournalEntry, ServiceSession
from roaming.models.clock import business_now
from roaming.staff_pages.cells import (
    EMPTY,
    badge,
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
from roaming.staff_pages.long_lists import Search, clean_term, found_by, uuid_or_none
from roaming.staff_pages.personal_data import PersonalDataPages, Shown
from roaming.staff_pages.refusal_words import (
    OUTCOMES,
    outcome_badge,
    refusal_panel,
    title_of,
    was_not_accepted,
)
from roaming.staff_pages.session_story import took
from roaming.staff_pages.staff_admin import FactAdmin, Panel

LATELY = 100_000
NEWEST = 20_000


class LatelyFilter(admin.SimpleListFilter):
    """A filter on a column without an index: it looks at the newest rows only, and says so."""

    column = ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        newest = JournalEntry.objects.order_by("-id").values_list("id", flat=True).first() or 0
        return queryset.filter(**{self.column: self.value(), "id__gt": newest - LATELY})


class OutcomeFilter(LatelyFilter):
    """How it ended."""

    title = f"outcome, of the last {LATELY:,} rows"
    parameter_name = "ended"
    column = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(choice.value, str(choice.label)) for choice in JournalEntry.Outcome]


class UseCaseFilter(LatelyFilter):
    """Which use case."""

    title = f"use case, of the last {LATELY:,} rows"
    parameter_name = "message"
    column = "use_case"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(case.code, f"{case.code} {case.title}") for case in EXCHANGES]


def _searches(term: str) -> Iterator[Search]:
    """Any of its ids; EVSE or other object with or without separators."""
    yield Search(Q(correlation_id=term))
    yield Search(Q(message_id=term))
    if (key := uuid_or_none(term)) is not None:
        yield Search(Q(service_session_id=key))
        yield Search(Q(transaction_id=key))
    for name in {term, term.upper().replace("*", "").replace("-", "")}:
        yield Search(Q(object_key=name), ("object_key", "-id"))


class LatelyAnsweredFilter(admin.SimpleListFilter):
    """What was answered in the last hour: the rows behind the numbers of the first page."""

    title = "when it was answered"
    parameter_name = "answered"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("hour", "In the last hour")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "hour":
            return queryset
        return queryset.filter(pk__in=answered_lately(business_now()).values("pk"))


def answered_lately(now: datetime) -> QuerySet[JournalEntry]:
    """Verdicts of the last hour, as far as the newest rows go; no index holds their moments."""
    newest = JournalEntry.objects.order_by("-id").values_list("id", flat=True).first() or 0
    return JournalEntry.objects.filter(
        id__gt=newest - NEWEST, at__gt=now - timedelta(hours=1), phase=JournalEntry.Phase.VERDICT
    ).order_by()


def _session(row: JournalEntry, *, whole: bool = False) -> Any:
    if row.service_session_id is None:
        return "–"
    key = str(row.service_session_id)
    words = key if whole else f"…{key[-8:]}"
    return one_line(link_to_page(ServiceSession._meta, row.service_session_id, words))


def _object(row: JournalEntry) -> Any:
    """What the message was about; an EVSE is led to."""
    evse = Evse.objects.filter(key=row.object_key).first() if row.object_key else None
    return link_to(evse) if evse else row.object_key or EMPTY


@admin.register(JournalEntry)
class JournalEntryAdmin(PersonalDataPages, FactAdmin):
    """The journal, newest first. Bodies are shown by permission, and each look is logged."""

    comes_from = (
        "Each message of a platform leaves its rows here. Bring an operator on first, "
        "then its platform."
    )
    list_display = (
        "name", "use_case", "result", "latency", "cso", "csp", "session", "object",
    )  # fmt: skip
    panels_first = True
    list_display_links = ("name",)
    list_filter = (OutcomeFilter, UseCaseFilter, LatelyAnsweredFilter)
    list_select_related = ("sender", "visited_cso", "home_csp")
    search_fields = ("pk",)
    search_help_text = "Correlation, message, session or transaction id, EVSE"
    fieldsets = (
        (
            "Message",
            {
                "fields": (
                    "message_use_case",
                    ("when", "recorded"),
                    ("phase", "shown_outcome"),
                    "latency",
                )
            },
        ),
        ("Parties", {"fields": (("sender_link", "environment"), ("cso", "csp"), "agreement")}),
        (
            "Ids",
            {"fields": ("correlation", "transaction", "message", "whole_session", "about")},
        ),
    )
    readonly_fields = (
        "when", "recorded", "message_use_case", "shown_outcome", "sender_link", "cso", "csp",
        "agreement", "whole_session", "latency", "correlation", "transaction", "message", "about",
    )  # fmt: skip

    name = name_column("When", lambda row: moment(row.at))
    result = column("Outcome", outcome_badge)
    object = column("Object", lambda row: one_line(row.object_key or EMPTY))
    when = moment_column("at", "When (business time)")
    recorded = moment_column("recorded_at", "Written (real time)")
    message_use_case = column("Use case", lambda row: title_of(row.use_case))
    shown_outcome = state_column("outcome", "Outcome", OUTCOMES)
    sender_link = link_column("sender", "Sender")
    cso = link_column("visited_cso", "visited-CSO")
    csp = link_column("home_csp", "home-CSP")
    agreement = column(
        "Agreement",
        lambda row: (
            link_to_page(Agreement._meta, row.agreement_id, f"no. {row.agreement_id}")
            if row.agreement_id
            else "–"
        ),
    )
    session = column("Session", _session)
    whole_session = column("Session", lambda row: _session(row, whole=True))
    about = column("Object", _object)
    latency = column("Took", lambda row: one_line(took(row.latency_us)))
    correlation = code_column("correlation_id", "Correlation id")
    transaction = code_column("transaction_id", "Transaction id")
    message = code_column("message_id", "Message id")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By any of the ids that are indexed."""
        term = clean_term(search_term)
        return (found_by(queryset, _searches(term)) if term else queryset), False

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(find_view)
        return [path("find/", view, name="find"), *super().get_urls()]

    def personal_data(self, row: Any) -> Shown:
        body = JournalBody.objects.filter(entry=row).first()
        return [("Message", pretty_json(body.content))] if body else []

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        entries = list(
            JournalEntry.objects.filter(transaction_id=row.transaction_id).order_by("id")[:50]
        )
        return [*_refusal(row, entries), _transaction(entries), _deliveries(row)]


def _refusal(row: JournalEntry, entries: Sequence[JournalEntry]) -> list[Panel]:
    """Of a verdict its own reason; on the page of the row before, that of the only verdict."""
    verdicts = [entry for entry in entries if entry.phase == JournalEntry.Phase.VERDICT]
    of = row if row.phase == JournalEntry.Phase.VERDICT or len(verdicts) != 1 else verdicts[0]
    return [refusal_panel(of)] if was_not_accepted(of) else []


_PHASES = {"admitted": "Taken in", "verdict": "Answered"}


def _transaction(entries: Sequence[JournalEntry]) -> Panel:
    lines = [
        (
            moment_cell(entry.at),
            link_to(entry, _PHASES[entry.phase]),
            outcome_badge(entry),
            entry.object_key or "–",
            took(entry.latency_us),
        )
        for entry in entries
    ]
    headers = ("When", "Row", "Outcome", "Object", "Took")
    return Panel("The whole transaction", headers, lines, "")


def _deliveries(row: JournalEntry) -> Panel:
    found = Delivery.objects.filter(correlation_id=row.correlation_id).select_related("receiver")
    lines = [
        (
            link_to(d, short(d.object_key)),
            link_to(d.receiver),
            badge(d.get_state_display(), SHADES.get(d.state, "plain")),
            moment_cell(d.delivered_at),
        )
        for d in found.order_by("id")[:50]
    ]
    return Panel(
        "Handed on", ("Object", "To", "Standing", "Delivered"), lines, "It was handed on to nobody."
    )
