"""The journal of the switch: each transaction's two rows, what was refused, why, what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import path

from roaming.admin.finding_rows import find_view
from roaming.admin.session_story import OUTCOMES, title_of, took
from roaming.domain.refusals import CATALOGUE
from roaming.domain.use_case import EXCHANGES
from roaming.models import Agreement, Delivery, JournalBody, JournalEntry, ServiceSession
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
from roaming.staff_pages.staff_admin import FactAdmin, Panel

LATELY = 100_000


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
    """Correlation, session or transaction id; EVSE or other object with or without separators."""
    yield Search(Q(correlation_id=term))
    if (key := uuid_or_none(term)) is not None:
        yield Search(Q(service_session_id=key))
        yield Search(Q(transaction_id=key))
    for name in {term, term.upper().replace("*", "").replace("-", "")}:
        yield Search(Q(object_key=name), ("object_key", "-id"))


def _session(row: JournalEntry) -> Any:
    if row.service_session_id is None:
        return "–"
    key = row.service_session_id
    return one_line(link_to_page(ServiceSession._meta, key, f"…{str(key)[-8:]}"))


def _result(row: JournalEntry) -> Any:
    """Of the row before: that the message was taken in; of the verdict: the code or the outcome."""
    if row.phase == JournalEntry.Phase.ADMITTED:
        return "taken in"
    words = row.refusal_code.replace("_", " ") or row.get_outcome_display()
    return badge(words, OUTCOMES.get(row.outcome, "plain"))


@admin.register(JournalEntry)
class JournalEntryAdmin(PersonalDataPages, FactAdmin):
    """The journal, newest first. Bodies are shown by permission, and each look is logged."""

    list_display = (
        "name", "use_case", "result", "latency", "cso", "csp", "session", "object",
    )  # fmt: skip
    panels_first = True
    list_display_links = ("name",)
    list_filter = (OutcomeFilter, UseCaseFilter)
    list_select_related = ("sender", "visited_cso", "home_csp")
    search_fields = ("pk",)
    search_help_text = "Correlation id, session id, transaction id, EVSE or other object"
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
            {"fields": ("correlation", "transaction", "message", "session", "object_key")},
        ),
    )
    readonly_fields = (
        "when", "recorded", "message_use_case", "shown_outcome", "sender_link", "cso", "csp",
        "agreement", "session", "latency", "correlation", "transaction", "message",
    )  # fmt: skip

    name = name_column("When", lambda row: moment(row.at))
    result = column("Outcome", _result)
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
        return [*_refusal(row), _transaction(row), _deliveries(row)]


def _refusal(row: JournalEntry) -> list[Panel]:
    reason = CATALOGUE.get(row.refusal_code)
    if reason is None:
        return []
    lines = [
        ("Code", reason.code),
        ("What was wrong", reason.title),
        ("Whose fault", reason.fault.value),
        ("What to do about it", reason.what_to_do),
    ]
    return [Panel("Why it was refused", ("", ""), lines, "")]


def _transaction(row: JournalEntry) -> Panel:
    entries = JournalEntry.objects.filter(transaction_id=row.transaction_id).order_by("id")
    lines = [
        (
            moment_cell(entry.at),
            link_to(entry, entry.get_phase_display()),
            badge(
                entry.refusal_code or entry.get_outcome_display(),
                OUTCOMES.get(entry.outcome, "plain"),
            ),
            entry.object_key or "–",
            took(entry.latency_us),
        )
        for entry in entries[:50]
    ]
    headers = ("When", "Row", "Outcome", "Object", "Took")
    return Panel("The whole transaction", headers, lines, "")


def _deliveries(row: JournalEntry) -> Panel:
    found = Delivery.objects.filter(correlation_id=row.correlation_id).select_related("receiver")
    lines = [
        (
            link_to(d, d.object_key),
            str(d.receiver),
            d.get_state_display(),
            moment_cell(d.delivered_at),
        )
        for d in found.order_by("id")[:50]
    ]
    return Panel(
        "Handed on", ("Object", "To", "Standing", "Delivered"), lines, "It was handed on to nobody."
    )
