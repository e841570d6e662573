"""Service sessions: the clearing house's own evidence of each visit, on one time line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from roaming.admin.commands import session_panels_of_commands
from roaming.admin.identification_search import contract_fingerprint_of, fingerprints_of
from roaming.admin.session_panels import plans_in_clear, running_panels
from roaming.admin.stuck_sessions import CLOSE, StuckFilter
from roaming.domain.uuid7 import uuid7_at
from roaming.models import Evse, ServiceSession
from roaming.staff_pages.cells import (
    brief_moment,
    brief_moment_column,
    code,
    column,
    link_column,
    moment_column,
    money_column,
    name_column,
    quantity_column,
    state_column,
)
from roaming.staff_pages.long_lists import Search, clean_term, day_filter, found_by, uuid_or_none
from roaming.staff_pages.personal_data import PersonalDataPages, Shown, masked
from roaming.staff_pages.session_story import story_of
from roaming.staff_pages.staff_admin import FactAdmin, Panel

SHADES = {
    "completed": "success", "active": "success", "authorised": "info", "reserved": "info",
    "requested": "warning", "refused": "danger",
}  # fmt: skip


def opened_between(begin: datetime, end: datetime) -> Q:
    """Keys carry the session's opening moment: a day is a range of the primary key."""
    return Q(pk__gte=uuid7_at(begin, 0), pk__lt=uuid7_at(end, 0))


def _searches(term: str) -> Iterator[Search]:
    """Session id, authorization reference, EVSE, token, contract."""
    if (key := uuid_or_none(term)) is not None:
        yield Search(Q(pk=key))
    yield Search(Q(authorization_reference=term))
    evse_key = term.upper().replace("*", "").replace("-", "")
    for evse in Evse.objects.filter(key=evse_key).values_list("pk", flat=True):
        yield Search(Q(evse=evse), ("evse_id", "-id"))
    for token in fingerprints_of(term):
        yield Search(Q(token_hmac=token), ("token_hmac", "-id"))
    if (contract := contract_fingerprint_of(term)) is not None:
        yield Search(Q(contract_hmac=contract), ("contract_hmac", "-id"))


@admin.register(ServiceSession)
class ServiceSessionAdmin(PersonalDataPages, FactAdmin):
    """Sessions, newest first."""

    comes_from = (
        "A session opens when a CSO asks for an authorisation (UC3-1, UC3-3) or a CSP "
        "for a start (UC3-2, UC3-8)."
    )
    list_display = (
        "name", "shown_state", "evse_link", "cso", "csp", "method", "ended_brief", "energy",
    )  # fmt: skip
    list_display_links = ("name",)
    steps = (CLOSE,)
    list_filter = (
        StuckFilter,
        "state",
        "environment",
        day_filter("day", "day it opened (YYYY-MM-DD)", opened_between),
    )
    list_select_related = ("evse", "visited_cso", "home_csp")
    search_fields = ("pk",)
    search_help_text = "Session id, authorization reference, EVSE-ID, token, contract id"
    panels_first = True
    words = {
        "cso_session_id": "CSO's own session id",
        "csp_session_id": "CSP's own session id",
        "connector_id": "Connector",
    }
    fieldsets = (
        ("Session", {"fields": ("key", ("shown_state", "refusal_reason"), "environment")}),
        (
            "Parties",
            {"fields": (("cso", "csp"), ("cso_session_id", "csp_session_id"), "agreement_link")},
        ),
        ("Place", {"fields": (("evse_link", "connector_id"),)}),
        (
            "User",
            {
                "fields": (
                    ("identification_method", "authorised"), "authorization_reference",
                    ("token", "contract"),
                )
            },
        ),
        (
            "What happened",
            {
                "fields": (
                    ("opened", "was_authorised"), ("started", "ended"), ("completed", "energy"),
                )
            },
        ),
        ("While it runs", {"fields": (("heard", "power"), "cost")}),
    )  # fmt: skip
    readonly_fields = (
        "key", "shown_state", "cso", "csp", "agreement_link", "evse_link", "token", "contract",
        "opened", "was_authorised", "started", "ended", "completed", "energy", "heard", "power",
        "cost",
    )  # fmt: skip

    name = name_column("Opened", lambda row: brief_moment(row.opened_at))
    ended_brief = brief_moment_column("ended_at", "Ended")
    key = column("Session id", lambda row: code(str(row.pk)))
    opened = moment_column("opened_at", "Opened")
    shown_state = state_column("state", "State", SHADES)
    evse_link = link_column("evse", "EVSE")
    cso = link_column("visited_cso", "visited-CSO")
    csp = link_column("home_csp", "home-CSP")
    agreement_link = link_column("agreement", "Agreement")
    method = column("Method", lambda row: row.identification_method or "–")
    energy = quantity_column("energy_kwh", "Energy", "kWh")
    token = column("Token", lambda row: masked("x"))
    contract = column("Contract", lambda row: masked("x" if row.contract_hmac else ""))
    was_authorised = moment_column("authorised_at", "Authorised")
    started = moment_column("started_at", "Start")
    ended = moment_column("ended_at", "End")
    completed = moment_column("completed_at", "Completed")
    heard = moment_column("updated_at", "Newest charging information")
    power = quantity_column("power_kw", "Power", "kW")
    cost = money_column("cost_so_far", "Cost so far, before tax", "cost_currency")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By id, authorization reference, EVSE, or the fingerprint of a token or contract."""
        term = clean_term(search_term)
        return (found_by(queryset, _searches(term)) if term else queryset), False

    def personal_data(self, row: Any) -> Shown:
        data = getattr(row, "personal_data", None)
        shown = [("Token UID", data.token_uid), ("Contract id", data.contract_id)] if data else []
        return [*shown, *plans_in_clear(row)]

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        headers = ("When", "What", "Who", "Outcome", "Took, note")
        return [
            Panel(
                "Time line",
                headers,
                story_of(row),
                "Nothing is known of it.",
                note="Messages of the journal in business time, deliveries in real time.",
            ),
            *session_panels_of_commands(row),
            *running_panels(row),
        ]
