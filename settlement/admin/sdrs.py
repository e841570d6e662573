"""Menu group Reconciliation: SDRs, what was found, and staff's decisions."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from roaming.domain.identifiers import IdentifierError, TokenUid
from roaming.domain.sdr import SdrLifeState
from roaming.domain.secrets import fingerprint
from roaming.domain.uuid7 import uuid7_at
from roaming.models import OperatorPair, Sdr, ServiceSession
from roaming.models.clock import business_now
from settlement.admin import sdr_panels
from settlement.domain.refusals import RefusedError
from settlement.use_cases.sdr_decision import Decision, approve_sdr, decline_sdr
from staff_pages.cells import (
    code,
    column,
    link_column,
    link_to_page,
    moment,
    moment_column,
    money_column,
    quantity_column,
    state_column,
    value_at,
)
from staff_pages.long_lists import day_filter, search_exactly
from staff_pages.personal_data import PersonalDataPages, Shown, masked
from staff_pages.staff_admin import FactAdmin, Panel
from staff_pages.steps import Situation, Step

PERMISSION = "roaming.change_sdrstate"
UNDECIDED = ("rated", "deviating", "unmatched", "not_ratable")
REASONS = (
    ("claim_is_right", "The claim is right"),
    ("agreed_with_parties", "Agreed with both parties"),
    ("evidence_is_wrong", "The clearing house's evidence is wrong"),
    ("price", "Price is not as published or agreed"),
    ("quantity", "Energy or time is wrong"),
    ("not_our_driver", "Not the home-CSP's driver"),
    ("duplicate", "Billed twice"),
    ("fraud", "Suspicion of fraud"),
    ("other", "Another reason, see the note"),
)


class DecisionForm(forms.Form):
    """Why an SDR is decided so."""

    reason = forms.ChoiceField(choices=REASONS, widget=UnfoldAdminSelectWidget())
    note = forms.CharField(
        max_length=300,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Both parties can read it.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("reason") == "other" and not data.get("note", "").strip():
            self.add_error("note", "Say which.")
        return data


def _state(situation: Situation) -> str:
    return str(value_at(situation.row, "standing__state") or "")


def _decision(situation: Situation) -> Decision:
    return Decision(
        by=str(situation.user), reason=situation.data["reason"], note=situation.data["note"]
    )


def _approve(situation: Situation) -> str:
    standing = approve_sdr(situation.row.pk, _decision(situation), business_now())
    return f"Accepted at {standing.settled_amount} {situation.row.currency}."


def _decline(situation: Situation) -> str:
    decline_sdr(situation.row.pk, _decision(situation), business_now())
    return "Disputed. It is carved out; the rest settles."


def _may_approve(situation: Situation) -> bool | str:
    if situation.row.credit:
        return False
    return _state(situation) in (*UNDECIDED, "disputed")


def _money(row: Sdr) -> str:
    return f"{row.claim_before_tax} {row.currency}" if row.claim_before_tax is not None else "–"


STEPS = (
    Step(
        name="approve",
        label="Approve",
        permission=PERMISSION,
        act=_approve,
        when=_may_approve,
        preview=lambda situation: [
            f"The home-CSP pays the claim, {_money(situation.row)} before tax, whatever was found.",
            f"It is {SdrLifeState(_state(situation)).label.lower()} now; the decision, your name "
            "and the reason stand in its log for good.",
        ],
        form=DecisionForm,
        refusals=(RefusedError,),
    ),
    Step(
        name="decline",
        label="Decline",
        permission=PERMISSION,
        act=_decline,
        when=lambda situation: _state(situation) in (*UNDECIDED, "accepted"),
        preview=lambda situation: [
            f"The claim of {_money(situation.row)} before tax is disputed: it is carved out of "
            "the next statement until the dispute is decided; the rest settles.",
        ],
        form=DecisionForm,
        danger=True,
        refusals=(RefusedError,),
    ),
)


def opened_between(begin: datetime, end: datetime) -> Q:
    """Keys carry the session's start: a day is a range of the primary key."""
    return Q(pk__gte=uuid7_at(begin, 0), pk__lt=uuid7_at(end, 0))


class StandingFilter(DropdownFilter):  # type: ignore[misc]
    """The work queues, by the state's own index."""

    title = "state"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state.value, state.label) for state in SdrLifeState]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(standing__state=self.value()) if self.value() else queryset


class PairFilter(DropdownFilter):  # type: ignore[misc]
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


def through_standing(path: str, title: str, show: Callable[[Any], Any]) -> Any:
    """A column of the SDR's standing, which every SDR has once it was taken in."""
    return column(title, lambda row: show(value_at(row, f"standing__{path}")))


@admin.register(Sdr)
class SdrAdmin(PersonalDataPages, FactAdmin):
    """SDRs, the newest session first. The record is never edited; decisions are steps."""

    steps = STEPS
    list_display = (
        "reference", "state", "outcome", "cso", "csp", "evse_id", "ended", "energy", "claim",
        "settled_amount", "environment",
    )  # fmt: skip
    list_filter = (
        StandingFilter,
        PairFilter,
        day_filter("day", "day of the session (YYYY-MM-DD)", opened_between),
    )
    list_select_related = ("visited_cso", "home_csp", "standing")
    search_fields = ("reference",)
    search_help_text = "SDR id or its beginning, session id, EVSE-ID, token"
    fieldsets = (
        (
            "Standing",
            {"fields": ("state", "outcome", "settled_amount", "basis", "decide_by", "matched_by")},
        ),
        (
            "The claim",
            {"fields": ("reference", "claim", "claim_with_tax", "energy", "tariff_id", "crediting")},
        ),
        ("Parties", {"fields": ("environment", "cso", "csp", "agreement_link", "sender")}),
        (
            "Place and time",
            {"fields": ("evse_id", "connector_id", "country", "time_zone", "started", "ended")},
        ),
        (
            "Session and user",
            {
                "fields": (
                    "session", "cso_session_id", "csp_session_id", "authorization_reference",
                    "identification_method", "authorised", "token", "contract",
                )
            },
        ),
        ("Record", {"fields": ("key", "received", "arrival")}),
    )  # fmt: skip
    readonly_fields = (
        "state", "outcome", "settled_amount", "basis", "decide_by", "matched_by", "claim",
        "claim_with_tax", "energy", "crediting", "cso", "csp", "agreement_link", "sender",
        "started", "ended", "session", "token", "contract", "key", "received",
    )  # fmt: skip

    state = state_column("standing__state", "State", sdr_panels.STATES)
    outcome = state_column("standing__outcome", "Outcome", sdr_panels.OUTCOMES)
    settled_amount = money_column("standing__settled_amount", "Settled")
    basis = through_standing("basis", "Settled by", lambda value: value or "–")
    decide_by = moment_column("standing__decide_by", "To be decided by")
    matched_by = through_standing("matched_by", "Matched by", lambda value: value or "–")
    cso = link_column("visited_cso", "visited-CSO")
    csp = link_column("home_csp", "home-CSP")
    agreement_link = link_column("agreement", "Agreement")
    sender = link_column("sent_by", "Sent by")
    started = moment_column("started_at", "Start")
    ended = moment_column("ended_at", "End")
    energy = quantity_column("energy_kwh", "Energy", "kWh")
    claim = money_column("claim_before_tax", "Claim before tax")
    claim_with_tax = money_column("claim_after_tax", "Claim with tax")
    crediting = column(
        "Credit", lambda row: f"of {row.credit_reference}" if row.credit else "no"
    )
    session = column("Service session", lambda row: _session(row))
    token = column("Token", lambda row: masked("x" if row.token_hmac else ""))
    contract = column("Contract", lambda row: masked("x" if row.contract_hmac else ""))
    key = column("Id", lambda row: code(str(row.pk)))
    received = column("Received", lambda row: moment(row.received_at))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By reference, id, session, EVSE, or the fingerprint of a token."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = search_exactly(queryset, term, ("id", "service_session_id"), ("reference",))
        found |= queryset.filter(evse_key=term.upper().replace("*", "").replace("-", ""))
        token = token_fingerprint(term)
        return (found | queryset.filter(token_hmac=token) if token else found), False

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


def _session(row: Sdr) -> Any:
    key = value_at(row, "standing__service_session_id") or row.service_session_id
    if key is None:
        return "–"

    return link_to_page(ServiceSession._meta, key, str(key))


