"""Disputes as staff see them: what waits for whom, how long, about how much; terms; e-mails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter

from roaming.models.clock import business_now
from roaming.staff_pages.attachments import attachment
from roaming.staff_pages.cells import (
    EMPTY,
    anchor,
    badge,
    block,
    brief_moment,
    brief_moment_column,
    code,
    column,
    figure,
    link_column,
    link_to,
    moment,
    moment_cell,
    moment_column,
    money,
    money_column,
    name_column,
    one_line,
    quantity_column,
    state_column,
)
from roaming.staff_pages.long_lists import clean_term
from roaming.staff_pages.staff_admin import FactAdmin, Panel, StaffAdmin
from roaming.staff_pages.steps import Situation, Step
from settlement.admin.dispute_steps import STEPS
from settlement.domain.disputes import Step as EventStep
from settlement.models import Dispute, DisputeEvidence, DisputeTerms, OutgoingMail
from settlement.models.evidence_files import read_file
from settlement.models.ruling_adjustments import reference_of
from settlement.use_cases.mailing import send_again

STATES = {
    "respondent": "info",
    "claimant": "info",
    "review": "warning",
    "resolved": "success",
    "withdrawn": "plain",
}
SIDES = {
    "home_csp": "home-CSP",
    "visited_cso": "visited-CSO",
    "clearing_house": "clearing house",
    "clock": "the clock",
}
MAILS = {"waiting": "warning", "sent": "success", "dead": "danger"}


class WaitsFilter(DropdownFilter):
    """Who has to act; overdue is what waits beyond its deadline."""

    title = "waits for"
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("live", "Anybody"),
            ("overdue", "Overdue"),
            ("review", "The clearing house"),
            ("respondent", "The visited-CSO"),
            ("claimant", "The home-CSP"),
            ("ended", "Nobody: ended"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value == "ended":
            return queryset.exclude(closed_at=None)
        live = queryset.filter(closed_at=None)
        if value == "overdue":
            return live.filter(respond_by__lt=business_now())
        if value == "live":
            return live
        return live.filter(state=value) if value else queryset


def _age(row: Dispute) -> Any:
    if row.closed_at is not None:
        return EMPTY
    days = (business_now() - row.opened_at).days
    return figure(f"{days} day{'' if days == 1 else 's'}")


def _deadline(row: Dispute) -> Any:
    if row.respond_by is None:
        return EMPTY
    if row.respond_by < business_now():
        return badge(f"overdue {brief_moment(row.respond_by)}", "danger")
    return one_line(brief_moment(row.respond_by))


def _result(row: Dispute) -> str:
    return row.get_result_display() or EMPTY


@admin.register(Dispute)
class DisputeAdmin(FactAdmin):
    """Disputes, the newest first; what waits, by its deadline. Steps are pages with a reason."""

    comes_from = "A home-CSP that declines an SDR, or objects to a statement, opens a dispute."
    steps = STEPS
    panels_first = True
    list_display = (
        "number", "shown_state", "deadline", "age", "at_stake", "claimed", "sdr_link", "cso", "csp",
        "shown_result",
    )  # fmt: skip
    list_display_links = ("number",)
    list_filter = (WaitsFilter, "environment", "origin", "reason", "result")
    list_select_related = ("sdr", "visited_cso", "home_csp")
    search_fields = ("sdr__reference",)
    search_help_text = "Number of the dispute (D-12), or SDR id"
    fieldsets = (
        (
            "Standing",
            {"fields": (("shown_state", "deadline"), ("shown_result", "ended_at"), "why", "note")},
        ),
        (
            "Money, before tax",
            {"fields": (("claimed", "right"), ("offer", "final"), ("at_stake", "settled_at"))},
        ),
        ("Parties", {"fields": (("cso", "csp"), "sdr_link", ("shown_origin", "opened"))}),
    )
    readonly_fields = (
        "shown_state", "deadline", "shown_result", "ended_at", "why", "claimed", "right", "offer",
        "final", "at_stake", "settled_at", "cso", "csp", "sdr_link", "shown_origin", "opened",
    )  # fmt: skip

    number = name_column("Dispute", str)
    shown_state = state_column("state", "State", STATES)
    deadline = column("Until", _deadline)
    age = column("Age", _age)
    at_stake = money_column("at_stake", "At stake")
    claimed = money_column("claim", "Claim")
    right = money_column("undisputed", "Undisputed")
    offer = money_column("offered", "Offered")
    final = money_column("amount", "Ended at")
    settled_at = money_column("settled_before", "Settled before at")
    sdr_link = link_column("sdr", "SDR")
    cso = link_column("visited_cso", "visited-CSO")
    csp = link_column("home_csp", "home-CSP")
    shown_result = column("Result", _result)
    shown_origin = column("Opened by", lambda row: row.get_origin_display())
    why = column("Reason", lambda row: f"{row.reason}: {row.get_reason_display()}")
    opened = moment_column("opened_at", "Opened")
    ended_at = moment_column("closed_at", "Ended")

    def get_ordering(self, request: HttpRequest) -> Sequence[str]:
        waits = request.GET.get(WaitsFilter.parameter_name, "ended")
        return ("-pk",) if waits == "ended" else ("respond_by", "pk")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By its number, or by the SDR's id."""
        term = clean_term(search_term)
        number = term.upper().removeprefix("D-")
        if number.isdecimal() and len(number) < 18 and term.upper().startswith("D-"):
            return queryset.filter(pk=int(number)), False
        return (queryset.filter(sdr__reference__startswith=term) if term else queryset), False

    def get_urls(self) -> list[Any]:
        own = path(
            "<int:dispute_id>/evidence/<int:evidence_id>/",
            self.admin_site.admin_view(self.evidence_view),
            name="settlement_dispute_evidence",
        )
        return [own, *super().get_urls()]

    def evidence_view(
        self, request: HttpRequest, dispute_id: int, evidence_id: int
    ) -> HttpResponse:
        """A file that a party brought, for download."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = DisputeEvidence.objects.filter(dispute=dispute_id, pk=evidence_id).first()
        content = read_file(found.sha256) if found else None
        if found is None or content is None:
            raise Http404
        return attachment(content, found.media_type, found.name)

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        return [_story(row), _files(row), _credits(row)]


def _story(row: Dispute) -> Panel:
    lines = [
        (
            moment_cell(event.at),
            f"{SIDES.get(event.side, event.side)}: {event.actor}",
            EventStep(event.step).told + (", by silence" if event.by_silence else ""),
            money(event.amount, row.currency),
            event.text or EMPTY,
            moment_cell(event.respond_by),
        )
        for event in row.events.order_by("id")[:500]
    ]
    headers = ("When", "Who", "What", "Amount", "Words", "Next until")
    return Panel("What happened", headers, lines, "Nothing yet.")


def _files(row: Dispute) -> Panel:
    lines = [
        (
            anchor(reverse("admin:settlement_dispute_evidence", args=[row.pk, file.pk]), file.name),
            SIDES.get(file.event.side, file.event.side),
            file.media_type,
            figure(f"{file.size:,}"),
            code(file.sha256),
        )
        for file in row.evidence.select_related("event").order_by("id")
    ]
    headers = ("File", "From", "Kind", "Bytes", "SHA-256")
    return Panel("Evidence", headers, lines, "No file was brought.")


def _credits(row: Dispute) -> Panel:
    credit = type(row.sdr).objects.filter(
        environment=row.environment, visited_cso=row.visited_cso_id, reference=reference_of(row)
    )
    lines = [(link_to(sdr), money(sdr.claim_before_tax, sdr.currency)) for sdr in credit]
    empty = "None: the SDR itself is settled at what was decided."
    return Panel("Credit of the clearing house", ("SDR", "Amount"), lines, empty)


@admin.register(DisputeTerms)
class DisputeTermsAdmin(StaffAdmin):
    """Windows and what silence means. They count for steps from now on; deadlines set stay."""

    words = {
        "respondent_hours": "The visited-CSO answers within",
        "claimant_hours": "The home-CSP answers within",
        "review_hours": "The clearing house rules within",
    }
    list_display = ("shown", "respondent", "claimant", "review")
    list_select_related = ("agreement__visited_cso", "agreement__home_csp")
    autocomplete_fields = ("agreement",)
    fieldsets = (
        ("For", {"fields": ("agreement",)}),
        ("Hours", {"fields": (("respondent_hours", "claimant_hours", "review_hours"),)}),
        (
            "Silence means",
            {"fields": ("respondent_silent", "claimant_silent", "review_silent")},
        ),
    )
    shown = column("For", str)
    respondent = quantity_column("respondent_hours", "The visited-CSO answers within", "hours")
    claimant = quantity_column("claimant_hours", "The home-CSP answers within", "hours")
    review = quantity_column("review_hours", "The clearing house rules within", "hours")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[Any]:
        """For whom the terms are is said once."""
        return ("agreement",) if obj is not None else ()


def _may_send_again(situation: Situation) -> bool:
    return bool(situation.row.state == OutgoingMail.State.DEAD)


def _send_again(situation: Situation) -> str:
    send_again(situation.row.pk, timezone.now())
    return "It waits again and goes out within seconds."


@admin.register(OutgoingMail)
class OutgoingMailAdmin(FactAdmin):
    """E-mails to operators' people: waiting, sent, given up."""

    comes_from = "Operators are told of disputes by e-mail."
    list_display = ("subject", "recipient", "operator_link", "shown_state", "made", "sent")
    list_filter = ("state", "environment")
    list_select_related = ("operator",)
    fields = (
        "subject", "recipient", "operator_link", "shown_state", "attempts", "last_error", "made",
        "due", "sent", "body",
    )  # fmt: skip
    readonly_fields = ("operator_link", "shown_state", "made", "due", "sent", "body")
    steps = (
        Step(
            name="send-again",
            label="Send again",
            permission="settlement.change_outgoingmail",
            act=_send_again,
            when=_may_send_again,
            preview=lambda situation: [f"It goes to {situation.row.recipient} once more."],
        ),
    )

    operator_link = link_column("operator", "Operator")
    shown_state = state_column("state", "State", MAILS)
    made = brief_moment_column("created_at", "Made")
    due = column("Next try", lambda row: moment(row.due_at))
    sent = brief_moment_column("sent_at", "Sent")
    body = column("Text", lambda row: block(row.text))
