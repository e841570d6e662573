"""Menu group Reconciliation: SDRs, what was found, and staff's decisions."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.html import format_html_join

from roaming.domain.identifiers import IdentifierError, TokenUid
from roaming.domain.secrets import fingerprint
from roaming.models import Finding, Sdr, ServiceSession
from roaming.models.clock import business_now
from roaming.staff_pages.bulk_steps import BulkSteps
from roaming.staff_pages.cells import (
    brief_moment_column,
    code,
    column,
    link_column,
    link_to_page,
    moment,
    moment_column,
    money_column,
    name_column,
    one_line,
    quantity_column,
    state_column,
    value_at,
)
from roaming.staff_pages.long_lists import (
    Search,
    begins_with,
    clean_term,
    day_filter,
    found_by,
    uuid_or_none,
)
from roaming.staff_pages.personal_data import PersonalDataPages, Shown, masked
from roaming.staff_pages.staff_admin import FactAdmin, Panel
from settlement.admin import sdr_panels
from settlement.admin.queues import age_text, queues_view
from settlement.admin.reconciliation_reports import PERMISSIONS as REPORTS_PERMISSIONS
from settlement.admin.reconciliation_reports import reports_view
from settlement.admin.sdr_bulk import BULK_STEPS, SINGLE_STEPS, chosen_panel
from settlement.admin.sdr_causes import why
from settlement.admin.sdr_filters import (
    AgeFilter,
    AssignedFilter,
    EnvironmentFilter,
    MoneyFilter,
    PairFilter,
    RuleFilter,
    StandingFilter,
    opened_between,
    shows_a_queue,
)
from settlement.admin.sdr_price import calculation_panel
from settlement.admin.sdr_records import Records, beside
from settlement.admin.sdr_steps import STEPS
from settlement.admin.sdr_story import time_line


def token_fingerprint(text: str) -> bytes | None:
    """The keyed HMAC by which rows with this token are found; None where it cannot be one."""
    try:
        return fingerprint(settings.HMAC_KEY, "token", TokenUid.parse(text.strip()).key)
    except IdentifierError:
        return None


def _searches(term: str) -> Iterator[Search]:
    """SDR id and its beginning, our id, session, EVSE, token."""
    yield Search(begins_with("reference", term), ("reference",))
    if (key := uuid_or_none(term)) is not None:
        yield Search(Q(pk=key))
        yield Search(Q(service_session_id=key))
    evse_key = term.upper().replace("*", "").replace("-", "")
    yield Search(Q(evse_key=evse_key), ("evse_key", "-started_at"))
    if (token := token_fingerprint(term)) is not None:
        yield Search(Q(token_hmac=token), ("token_hmac", "-started_at"))


def _session(row: Sdr) -> Any:
    key = value_at(row, "standing__service_session_id") or row.service_session_id
    if key is None:
        return "–"

    return link_to_page(ServiceSession._meta, key, str(key))


def _waits(row: Sdr) -> Any:
    since = value_at(row, "standing__visible_at")
    return one_line(age_text(since, business_now()) or "–")


def _rules(row: Sdr) -> Any:
    found = {finding.rule: None for finding in getattr(row, "standing_findings", ())}
    return format_html_join(", ", "{}", ((one_line(rule),) for rule in found)) or "–"


@admin.register(Sdr)
class SdrAdmin(BulkSteps, PersonalDataPages, FactAdmin):
    """SDRs, the newest session first; of a work queue, the oldest. Decisions are steps."""

    steps = (*STEPS, *SINGLE_STEPS)
    bulk_steps = BULK_STEPS
    comes_from = "A visited-CSO sends an SDR when a session is complete (UC3-9)."
    list_display = (
        "name", "state", "cso", "csp", "ended_brief", "energy", "claimed", "settled_amount",
        "evse_id",
    )  # fmt: skip
    queue_display = (
        "name", "state", "waits", "rules", "claimed", "at_stake", "cso", "csp", "assigned",
    )  # fmt: skip
    list_display_links = ("name",)
    list_filter = (
        StandingFilter,
        AgeFilter,
        RuleFilter,
        PairFilter,
        MoneyFilter,
        AssignedFilter,
        EnvironmentFilter,
        day_filter("day", "day of the session (YYYY-MM-DD)", opened_between),
    )
    list_select_related = ("visited_cso", "home_csp", "standing")
    search_fields = ("reference",)
    search_help_text = "SDR id or its beginning, session id, EVSE-ID, token"
    panels_first = True
    words = {
        "cso_session_id": "CSO's own session id",
        "csp_session_id": "CSP's own session id",
        "connector_id": "Connector",
        "tariff_id": "Tariff",
        "arrival": "Arrival number",
    }
    fieldsets = (
        (
            "The claim",
            {
                "fields": (
                    ("reference", "crediting"), ("claim", "claim_with_tax"),
                    ("energy", "tariff_id"),
                )
            },
        ),
        ("Parties", {"fields": (("cso", "csp"), "agreement_link", ("sender", "environment"))}),
        (
            "Place and time",
            {
                "fields": (
                    ("evse_id", "connector_id"), ("country", "time_zone"), ("started", "ended"),
                )
            },
        ),
        (
            "Session and user",
            {
                "fields": (
                    "session", ("cso_session_id", "csp_session_id"),
                    "authorization_reference", ("identification_method", "authorised"),
                    ("token", "contract"),
                )
            },
        ),
        ("Record", {"fields": ("key", ("received", "arrival"))}),
    )  # fmt: skip
    readonly_fields = (
        "claim", "claim_with_tax", "energy", "crediting", "cso", "csp", "agreement_link", "sender",
        "started", "ended", "session", "token", "contract", "key", "received",
    )  # fmt: skip

    name = name_column("SDR", str)
    ended_brief = brief_moment_column("ended_at", "Session ended")
    state = state_column("standing__state", "State", sdr_panels.STATES)
    settled_amount = money_column("standing__settled_amount", "Settled")
    cso = link_column("visited_cso", "visited-CSO")
    csp = link_column("home_csp", "home-CSP")
    agreement_link = link_column("agreement", "Agreement")
    sender = link_column("sent_by", "Sent by")
    started = moment_column("started_at", "Start")
    ended = moment_column("ended_at", "End")
    energy = quantity_column("energy_kwh", "Energy", "kWh")
    claimed = money_column("claim_before_tax", "Claimed")
    claim = money_column("claim_before_tax", "Claim before tax")
    claim_with_tax = money_column("claim_after_tax", "Claim with tax")
    crediting = column("Credit", lambda row: f"of {row.credit_reference}" if row.credit else "no")
    session = column("Service session", _session)
    token = column("Token", lambda row: masked("x" if row.token_hmac else ""))
    contract = column("Contract", lambda row: masked("x" if row.contract_hmac else ""))
    key = column("Id", lambda row: code(str(row.pk)))
    received = column("Received", lambda row: moment(row.received_at))
    waits = column("Waits", _waits)
    rules = column("Rules", _rules)
    at_stake = money_column("standing__money_at_stake", "At stake")
    assigned = column(
        "Assigned to", lambda row: str(value_at(row, "assignment__assigned_to") or "–")
    )

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(queues_view)
        reports = self.admin_site.admin_view(reports_view)
        return [
            path("queues/", view, name="queues"),
            path("reports/", reports, name="reconciliation_reports"),
            *super().get_urls(),
        ]

    def list_links(self, request: HttpRequest) -> Sequence[tuple[str, str]]:
        links = [("Work queues", reverse("admin:queues"))]
        if request.user.has_perms(REPORTS_PERMISSIONS):
            links.append(("Reports", reverse("admin:reconciliation_reports")))
        return links

    def chosen_table(self, rows: QuerySet[Any]) -> Panel:
        return chosen_panel(rows)

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        """Of a queue: how long it waits, for what, and with whom."""
        return self.queue_display if shows_a_queue(request) else self.list_display

    def get_ordering(self, request: HttpRequest) -> Sequence[str]:
        """A queue is worked off from its oldest end."""
        return ("pk",) if shows_a_queue(request) else self.ordering

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """A queue's rows come with the rules that stand and who takes care of them."""
        found = super().get_changelist_instance(request)
        found.oldest_first = shows_a_queue(request)
        return found

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        if shows_a_queue(request):
            standing = Finding.objects.filter(superseded_at__isnull=True).order_by("rule")
            rows = rows.select_related(
                *self.list_select_related, "assignment__assigned_to"
            ).prefetch_related(Prefetch("findings", standing, to_attr="standing_findings"))
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By reference, id, session, EVSE, or the fingerprint of a token."""
        term = clean_term(search_term)
        return (found_by(queryset, _searches(term)) if term else queryset), False

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """With everything that its page shows."""
        try:
            key = uuid.UUID(object_id)
        except ValueError:
            return None
        rows = self.get_queryset(request).select_related(
            "visited_cso", "home_csp", "standing", "agreement__visited_cso", "agreement__home_csp",
            "sent_by", "assignment__assigned_to", "assignment__assigned_by",
        )  # fmt: skip
        return rows.filter(pk=key).first()

    def personal_data(self, row: Any) -> Shown:
        original = getattr(row, "original", None)
        if original is None:
            return []
        return [
            ("Token UID", original.token_uid),
            ("Contract id", original.contract_id),
            ("As received", original.content),
        ]

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        records = Records.of(row)
        return [
            sdr_panels.standing(row),
            *sdr_panels.assigned(row),
            beside(row, records),
            sdr_panels.findings(row),
            *why(row),
            sdr_panels.disputes(row),
            calculation_panel(row),
            time_line(row, records),
            sdr_panels.settled(row),
        ]
