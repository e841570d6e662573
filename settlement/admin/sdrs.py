"""Menu group Reconciliation: SDRs, what was found, and staff's decisions."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from roaming.domain.identifiers import IdentifierError, TokenUid
from roaming.domain.sdr import SdrLifeState
from roaming.domain.secrets import fingerprint
from roaming.domain.uuid7 import uuid7_at
from roaming.models import OperatorPair, Sdr, ServiceSession
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
from settlement.admin.sdr_steps import STEPS


def opened_between(begin: datetime, end: datetime) -> Q:
    """Keys carry the session's start: a day is a range of the primary key."""
    return Q(pk__gte=uuid7_at(begin, 0), pk__lt=uuid7_at(end, 0))


class StandingFilter(DropdownFilter):
    """The work queues, by the state's own index."""

    title = "state"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state.value, state.label) for state in SdrLifeState]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(standing__state=self.value()) if self.value() else queryset


class PairFilter(DropdownFilter):
    """The two parties, by the pair's own index."""

    title = "parties"
    parameter_name = "pair"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        pairs = OperatorPair.objects.select_related("visited_cso", "home_csp")
        return [(str(pair.pk), str(pair)) for pair in pairs.order_by("visited_cso__name")[:500]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return queryset.filter(pair=self.value()) if self.value().isdigit() else queryset.none()


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


def through_standing(path: str, title: str, show: Callable[[Any], Any]) -> Any:
    """A column of the SDR's standing, which every SDR has once it was taken in."""
    return column(title, lambda row: show(value_at(row, f"standing__{path}")))


def _session(row: Sdr) -> Any:
    key = value_at(row, "standing__service_session_id") or row.service_session_id
    if key is None:
        return "–"

    return link_to_page(ServiceSession._meta, key, str(key))


@admin.register(Sdr)
class SdrAdmin(PersonalDataPages, FactAdmin):
    """SDRs, the newest session first. The record is never edited; decisions are steps."""

    steps = STEPS
    list_display = (
        "name", "state", "cso", "csp", "ended_brief", "energy", "claimed", "settled_amount",
        "evse_id",
    )  # fmt: skip
    list_display_links = ("name",)
    list_filter = (
        StandingFilter,
        PairFilter,
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
            "Standing",
            {
                "fields": (
                    ("state", "outcome"), ("settled_amount", "basis"), ("decide_by", "matched_by"),
                )
            },
        ),
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
        "state", "outcome", "settled_amount", "basis", "decide_by", "matched_by", "claim",
        "claim_with_tax", "energy", "crediting", "cso", "csp", "agreement_link", "sender",
        "started", "ended", "session", "token", "contract", "key", "received",
    )  # fmt: skip

    name = name_column("SDR", str)
    ended_brief = brief_moment_column("ended_at", "Session ended")
    state = state_column("standing__state", "State", sdr_panels.STATES)
    outcome = state_column("standing__outcome", "Outcome", sdr_panels.OUTCOMES)
    settled_amount = money_column("standing__settled_amount", "Settled")
    basis = through_standing("basis", "Settled by", lambda value: value or "–")
    decide_by = moment_column("standing__decide_by", "To be decided by")
    matched_by = through_standing(
        "matched_by", "Matched by", lambda value: str(value or "–").replace("_", " ")
    )
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
            "sent_by",
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
        return [
            sdr_panels.beside(row),
            sdr_panels.findings(row),
            sdr_panels.events(row),
            sdr_panels.settled(row),
        ]
