"""Disputes over the API: both parties list and read them, each takes its own steps (6.4.2)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import django_filters
import msgspec
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request

from roaming.api.filters import HomeCspFilter, MomentFilter, VisitedCsoFilter
from roaming.api.group1_examples import answered, asked
from roaming.api.message_view import MessageView, decode
from roaming.api.pages import NewestFirst
from roaming.api.rendering import ExactDecimal
from roaming.api.schema import READING, refusals
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import Supporting
from roaming.models import Platform
from roaming.models.clock import business_now
from settlement.api import examples
from settlement.api.callers import caller_of, identifiers_of, refusing
from settlement.api.decisions import TAG
from settlement.domain.disputes import DisputeState, Side, Step
from settlement.models import Dispute, DisputeEvent, DisputeEvidence
from settlement.use_cases.dispute import Actor, Saying, take_dispute_step, write_message

STEPS_OF_SIDES = {
    "maintain": Side.VISITED_CSO,
    "concede": Side.VISITED_CSO,
    "offer": Side.VISITED_CSO,
    "accept": Side.HOME_CSP,
    "insist": Side.HOME_CSP,
    "withdraw": Side.HOME_CSP,
}


def own_disputes(platform: Platform) -> QuerySet[Dispute]:
    """Those about SDRs that the caller sent or received; nobody else knows that there is one."""
    held = platform.held_identifiers.values("identifier")
    return Dispute.objects.filter(environment=platform.environment).filter(
        Q(visited_cso__in=held) | Q(home_csp__in=held)
    )


def actor_of(platform: Platform, dispute_id: int, side: Side | None) -> Actor:
    """Who acts, for the side named or the only one that the caller speaks for.

    Refuses not_found, party_not_held, and invalid_field where it speaks for both and says neither.
    """
    dispute = own_disputes(platform).filter(pk=dispute_id).first()
    if dispute is None:
        raise Refusal("not_found", "There is no dispute with this number.")
    held = identifiers_of(platform)
    sides = [
        known
        for known, key in (
            (Side.HOME_CSP, dispute.home_csp_id), (Side.VISITED_CSO, dispute.visited_cso_id)
        )
        if key in held
    ]  # fmt: skip
    if side is None and len(sides) > 1:
        raise Refusal("invalid_field", "Say for which side: you speak for both.", "side")
    chosen = side or sides[0]
    if chosen not in sides:
        raise Refusal("party_not_held", f"This is a step of the {chosen.value}.")
    return Actor(platform.name, chosen)


class DisputeEventPart(serializers.ModelSerializer[DisputeEvent]):
    """One step, message or file. `amount`: what was offered, ruled or agreed on."""

    by = serializers.CharField(source="side")
    amount = ExactDecimal(allow_null=True)

    class Meta:
        model = DisputeEvent
        fields = [
            "at", "by", "step", "by_silence", "from_state", "to_state", "amount", "respond_by",
            "text",
        ]  # fmt: skip


class EvidencePart(serializers.ModelSerializer[DisputeEvidence]):
    """A file: `reconciliation/disputes/{id}/evidence/{evidence_id}` gives it back."""

    evidence_id = serializers.IntegerField(source="id")

    class Meta:
        model = DisputeEvidence
        fields = ["evidence_id", "name", "media_type", "size", "sha256"]


class DisputeSerializer(serializers.ModelSerializer[Dispute]):
    """A dispute. `state` says whose turn it is, `respond_by` until when.

    `amount` is what it ended at; the SDR is settled at that, or what was settled too much before
    (`settled_before`) is credited.
    """

    dispute_id = serializers.IntegerField(source="id")
    sdr_reference = serializers.CharField(source="sdr.reference")
    visited_cso = serializers.CharField(source="visited_cso.identifier")
    home_csp = serializers.CharField(source="home_csp.identifier", default=None)
    claim = ExactDecimal()
    undisputed = ExactDecimal()
    offered = ExactDecimal(allow_null=True)
    settled_before = ExactDecimal(allow_null=True)
    amount = ExactDecimal(allow_null=True)

    class Meta:
        model = Dispute
        fields = [
            "dispute_id", "sdr_id", "sdr_reference", "visited_cso", "home_csp", "origin", "reason",
            "note", "currency", "claim", "undisputed", "offered", "settled_before", "state",
            "result", "amount", "opened_at", "respond_by", "closed_at",
        ]  # fmt: skip


class DisputeStorySerializer(DisputeSerializer):
    """The same with everything that happened, the oldest first, and the files."""

    events = DisputeEventPart(many=True)
    evidence = EvidencePart(many=True)

    class Meta(DisputeSerializer.Meta):
        fields = [*DisputeSerializer.Meta.fields, "events", "evidence"]


class DisputeFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(
        choices=[(state.value, state.value) for state in DisputeState]
    )
    live = django_filters.BooleanFilter("closed_at", lookup_expr="isnull")
    sdr_id = django_filters.UUIDFilter("sdr")
    visited_cso = VisitedCsoFilter("visited_cso__key")
    home_csp = HomeCspFilter("home_csp__key")
    opened_since = MomentFilter("opened_at", lookup_expr="gte")

    class Meta:
        model = Dispute
        fields = ["state", "live", "sdr_id", "reason", "visited_cso", "home_csp", "opened_since"]


class _OwnDisputes(generics.GenericAPIView[Dispute]):
    queryset = Dispute.objects.none()

    def get_queryset(self) -> QuerySet[Dispute]:
        return own_disputes(caller_of(self.request)).select_related(
            "sdr", "visited_cso", "home_csp"
        )


@extend_schema_view(
    get=extend_schema(
        operation_id="list_disputes",
        tags=[TAG],
        summary="Disputes about SDRs that the caller sent or received",
        examples=[answered("It waits for the visited-CSO", examples.DISPUTE)],
    )
)
class DisputesView(_OwnDisputes, generics.ListAPIView[Dispute]):
    serializer_class = DisputeSerializer
    filterset_class = DisputeFilter
    pagination_class = NewestFirst


@extend_schema_view(
    get=extend_schema(
        operation_id="read_dispute",
        tags=[TAG],
        summary="One dispute of the caller, with all that happened and its files",
        responses={200: DisputeStorySerializer, **refusals("not_found")},
        examples=[answered("It waits for the visited-CSO", examples.DISPUTE_STORY)],
    )
)
class DisputeView(_OwnDisputes, generics.RetrieveAPIView[Dispute]):
    serializer_class = DisputeStorySerializer
    lookup_url_kwarg = "dispute_id"

    def get_queryset(self) -> QuerySet[Dispute]:
        return super().get_queryset().prefetch_related("events", "evidence")


class DisputeStepRequest(msgspec.Struct, kw_only=True, frozen=True):
    """`maintain`, `concede`, `offer` are the visited-CSO's; `accept`, `insist`, `withdraw` the
    home-CSP's. An offer names its `amount`; who maintains says why in `text`.
    """

    step: Literal["maintain", "concede", "offer", "accept", "insist", "withdraw"]
    text: str = ""
    amount: Decimal | None = None


class DisputeStepAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """Where the dispute stands now."""

    dispute_id: int
    state: str
    respond_by: datetime | None
    offered: Decimal | None
    result: str
    amount: Decimal | None


class DisputeStepView(MessageView):
    """A step of one of the two parties."""

    use_case = Supporting.SDR_RECONCILIATION

    @extend_schema(
        operation_id="take_dispute_step",
        tags=[TAG],
        summary="Answer, offer, accept, insist, concede or withdraw",
        description="In turn and until `respond_by`; what silence means after it, the terms of the "
        "agreement say. Whoever gives in (`concede`, `withdraw`) may do so at any time. To credit "
        "the SDR and send a right one concedes, too.",
        request=DisputeStepRequest,
        responses={
            200: DisputeStepAnswer,
            **refusals(
                "not_found", "party_not_held", "dispute_closed", "not_your_turn", "window_over",
                "amount_not_possible", "no_agreement", *READING,
            ),
        },
        examples=[
            asked("The visited-CSO offers an amount", examples.OFFER),
            asked("The visited-CSO maintains its claim", examples.MAINTAIN),
            asked("The home-CSP takes the offer", {"step": "accept"}),
            answered("Offered", examples.OFFERED),
        ],
    )  # fmt: skip
    def post(self, request: Request, dispute_id: int) -> HttpResponse:
        body = self.body_of(request)
        self.envelope(request, body)
        said = decode(body, DisputeStepRequest)
        actor = actor_of(caller_of(request), dispute_id, STEPS_OF_SIDES[said.step])
        saying = Saying(said.amount, said.text)
        with refusing():
            dispute = take_dispute_step(dispute_id, Step(said.step), actor, business_now(), saying)
        self.note(request, f"dispute {dispute_id}: {said.step}")
        content = DisputeStepAnswer(
            dispute_id=dispute.pk,
            state=dispute.state,
            respond_by=dispute.respond_by,
            offered=dispute.offered,
            result=dispute.result,
            amount=dispute.amount,
        )
        return self.render(request, content)


class DisputeMessageRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Words to the other side and to the clearing house, at most 2,000 characters.

    `side`: needed only by a platform that speaks for both.
    """

    text: str
    side: Literal["home_csp", "visited_cso"] | None = None


class DisputeNoteAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """Kept in the log of the dispute, and told to the other side."""

    dispute_id: int
    at: datetime


class DisputeMessageView(MessageView):
    """A message to the other side."""

    use_case = Supporting.SDR_RECONCILIATION

    @extend_schema(
        operation_id="write_dispute_message",
        tags=[TAG],
        summary="Write to the other side and to the clearing house",
        request=DisputeMessageRequest,
        responses={
            200: DisputeNoteAnswer,
            **refusals("not_found", "party_not_held", "dispute_closed", *READING),
        },
        examples=[
            asked("A question", {"text": "Which tariff did you apply?"}),
            answered("Kept", {"dispute_id": 12, "at": "2026-10-07T08:00:00Z"}),
        ],
    )
    def post(self, request: Request, dispute_id: int) -> HttpResponse:
        body = self.body_of(request)
        self.envelope(request, body)
        said = decode(body, DisputeMessageRequest)
        if len(said.text) > 2_000:
            raise Refusal("invalid_field", "At most 2,000 characters.", "text")
        side = Side(said.side) if said.side else None
        actor = actor_of(caller_of(request), dispute_id, side)
        with refusing():
            event = write_message(dispute_id, actor, said.text, business_now())
        self.note(request, f"dispute {dispute_id}: message")
        return self.render(request, DisputeNoteAnswer(dispute_id=dispute_id, at=event.at))


urlpatterns: list[Any] = [
    path("reconciliation/disputes", DisputesView.as_view(), name="disputes"),
    path("reconciliation/disputes/<int:dispute_id>", DisputeView.as_view(), name="dispute"),
    path(
        "reconciliation/disputes/<int:dispute_id>/steps",
        DisputeStepView.as_view(),
        name="dispute-steps",
    ),
    path(
        "reconciliation/disputes/<int:dispute_id>/messages",
        DisputeMessageView.as_view(),
        name="dispute-messages",
    ),
]
