"""SDRs as reconciliation sees them: both parties see each that they sent or received (6.4.2)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import generics, serializers

from roaming.api.filters import HomeCspFilter, VisitedCsoFilter
from roaming.api.group1_examples import answered
from roaming.api.group3_sdr import FindingSerializer
from roaming.api.pages import LatestArrivalFirst
from roaming.api.rendering import ExactDecimal
from roaming.api.schema import refusals
from roaming.domain.sdr import Outcome, SdrLifeState
from roaming.domain.uuid7 import uuid7_at
from roaming.models import Finding, Sdr, SdrEvent
from settlement.api import examples
from settlement.api.callers import caller_of
from settlement.api.decisions import TAG
from settlement.models import Dispute


class SdrEventPart(serializers.ModelSerializer[SdrEvent]):
    """One step of the SDR's life, and why."""

    class Meta:
        model = SdrEvent
        fields = ["at", "from_state", "to_state", "reason", "note"]


class SdrDisputePart(serializers.ModelSerializer[Dispute]):
    """The newest dispute about the SDR; `reconciliation/disputes/{id}` has all of it."""

    dispute_id = serializers.IntegerField(source="id")

    class Meta:
        model = Dispute
        fields = ["dispute_id", "state", "result", "respond_by"]


class ReconciledSdrSerializer(serializers.ModelSerializer[Sdr]):
    """An SDR with state, outcome, findings, and what it is settled at.

    `rated_before_tax` is what the tariff in force gives, unrounded. `decide_by` is the end of the
    home-CSP's window, which began when it could first see the SDR (`visible_at`).
    """

    sdr_id = serializers.UUIDField(source="id")
    reference = serializers.CharField()
    visited_cso = serializers.CharField(source="visited_cso.identifier")
    home_csp = serializers.CharField(source="home_csp.identifier", default=None)
    energy_kwh = ExactDecimal(allow_null=True)
    claimed_before_tax = ExactDecimal(source="claim_before_tax", allow_null=True)
    rated_before_tax = ExactDecimal(source="standing.rated_before_tax", allow_null=True)
    state = serializers.CharField(source="standing.state")
    outcome = serializers.CharField(source="standing.outcome")
    matched_by = serializers.CharField(source="standing.matched_by")
    settled_amount = ExactDecimal(source="standing.settled_amount", allow_null=True)
    basis = serializers.CharField(source="standing.basis")
    visible_at = serializers.DateTimeField(source="standing.visible_at")
    decide_by = serializers.DateTimeField(source="standing.decide_by", allow_null=True)
    reconciled_at = serializers.DateTimeField(source="standing.reconciled_at", allow_null=True)
    findings = FindingSerializer(source="live_findings", many=True)
    dispute = serializers.SerializerMethodField()

    class Meta:
        model = Sdr
        fields = [
            "sdr_id", "arrival", "reference", "visited_cso", "home_csp", "service_session_id",
            "evse_id", "started_at", "ended_at", "energy_kwh", "currency", "credit",
            "credit_reference", "claimed_before_tax", "rated_before_tax", "state", "outcome",
            "matched_by", "settled_amount", "basis", "visible_at", "decide_by", "reconciled_at",
            "findings", "dispute",
        ]  # fmt: skip

    @extend_schema_field(SdrDisputePart(allow_null=True))
    def get_dispute(self, sdr: Any) -> Any:
        return SdrDisputePart(sdr.newest_disputes[0]).data if sdr.newest_disputes else None


class ReconciledSdrStorySerializer(ReconciledSdrSerializer):
    """The same with its events, the oldest first."""

    events = SdrEventPart(many=True)

    class Meta(ReconciledSdrSerializer.Meta):
        fields = [*ReconciledSdrSerializer.Meta.fields, "events"]


class ReconciledSdrFilter(django_filters.FilterSet):
    """`day`: UTC day on which the session began. `counterparty`: of either role."""

    state = django_filters.ChoiceFilter(
        field_name="standing__state", choices=[(state.value, state.value) for state in SdrLifeState]
    )
    outcome = django_filters.ChoiceFilter(
        field_name="standing__outcome", choices=[(value.value, value.value) for value in Outcome]
    )
    rule = django_filters.CharFilter(method="with_finding")
    day = django_filters.DateFilter(method="begun_on")
    counterparty = django_filters.CharFilter(method="with_party")
    visited_cso = VisitedCsoFilter("visited_cso__key")
    home_csp = HomeCspFilter("home_csp__key")

    class Meta:
        model = Sdr
        fields = [
            "state", "outcome", "rule", "day", "counterparty", "visited_cso", "home_csp",
            "reference", "service_session_id",
        ]  # fmt: skip

    def with_finding(self, rows: QuerySet[Sdr], name: str, value: str) -> QuerySet[Sdr]:
        """Where this rule found something that stands."""
        found = Finding.objects.filter(
            sdr=OuterRef("pk"), rule=value.strip().upper(), superseded_at=None
        )
        return rows.filter(Exists(found))

    def begun_on(self, rows: QuerySet[Sdr], name: str, value: date) -> QuerySet[Sdr]:
        """Keys carry the session's opening moment: a day is a range of the primary key."""
        try:
            begin = datetime.combine(value, time(), UTC)
            end = begin + timedelta(days=1)
            return rows.filter(pk__gte=uuid7_at(begin, 0), pk__lt=uuid7_at(end, 0))
        except (OverflowError, ValueError):
            return rows.none()

    def with_party(self, rows: QuerySet[Sdr], name: str, value: str) -> QuerySet[Sdr]:
        """DE*ABC is a CSO, DE-ABC a CSP; without a sign either."""
        key = value.strip().upper().replace("*", "").replace("-", "")
        as_cso, as_csp = Q(visited_cso__key=key), Q(home_csp__key=key)
        if "*" in value:
            return rows.filter(as_cso)
        return rows.filter(as_csp if "-" in value else as_cso | as_csp)


class _OwnSdrs(generics.GenericAPIView[Sdr]):
    """Only SDRs that the caller sent or that name it as home-CSP."""

    queryset = Sdr.objects.none()

    def get_queryset(self) -> QuerySet[Sdr]:
        platform = caller_of(self.request)
        held = platform.held_identifiers.values("identifier")
        live = Finding.objects.filter(superseded_at=None)
        return (
            Sdr.objects.filter(environment=platform.environment)
            .filter(Q(visited_cso__in=held) | Q(home_csp__in=held))
            .select_related("visited_cso", "home_csp", "standing")
            .prefetch_related(
                Prefetch("findings", live, to_attr="live_findings"),
                Prefetch("disputes", Dispute.objects.order_by("-id"), to_attr="newest_disputes"),
            )
        )


@extend_schema_view(
    get=extend_schema(
        operation_id="list_reconciled_sdrs",
        tags=[TAG],
        summary="SDRs that the caller sent or received: state, outcome, findings, amount",
        description="In the order of their arrival, the latest first. `decide_by` says until when "
        "its home-CSP decides.",
        examples=[answered("It waits for a decision", examples.RECONCILED_SDR)],
    )
)
class ReconciledSdrsView(_OwnSdrs, generics.ListAPIView[Sdr]):
    serializer_class = ReconciledSdrSerializer
    filterset_class = ReconciledSdrFilter
    pagination_class = LatestArrivalFirst


@extend_schema_view(
    get=extend_schema(
        operation_id="read_reconciled_sdr",
        tags=[TAG],
        summary="One SDR of the caller, with everything that happened to it",
        responses={200: ReconciledSdrStorySerializer, **refusals("not_found")},
        examples=[answered("It waits for a decision", examples.RECONCILED_SDR_STORY)],
    )
)
class ReconciledSdrView(_OwnSdrs, generics.RetrieveAPIView[Sdr]):
    serializer_class = ReconciledSdrStorySerializer
    lookup_url_kwarg = "sdr_id"

    def get_queryset(self) -> QuerySet[Sdr]:
        return super().get_queryset().prefetch_related("events")


urlpatterns: list[Any] = [
    path("reconciliation/sdrs", ReconciledSdrsView.as_view(), name="sdrs"),
    path("reconciliation/sdrs/<uuid:sdr_id>", ReconciledSdrView.as_view(), name="sdr"),
]
