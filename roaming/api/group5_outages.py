"""Group 5, supporting functions (IEC 63119-2, 8.5): UC5-1, maintenance and outage."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import generics, serializers
from rest_framework.request import Request

from roaming.api.filters import EvseIdFilter, MomentFilter, VisitedCsoFilter
from roaming.api.group1_examples import OUTAGE, OUTAGE_READ, STORED, answered, asked
from roaming.api.group1_general import StoredObject, visible_cso_condition
from roaming.api.message_view import MessageView, decode
from roaming.api.pages import NewestFirst
from roaming.api.rendering import AsSentField
from roaming.api.schema import READING, refusals
from roaming.domain.outage import OutageKind, OutageMessage, OutageState
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import UseCase
from roaming.models import Outage, Platform
from roaming.models.clock import business_now
from roaming.models.outages import in_force, who_was_told
from roaming.use_cases.uc5_01_maintenance_and_outage import receive_outage

TAG = "UC5-1 Maintenance and outage"


class OutageSerializer(serializers.ModelSerializer[Outage]):
    """An outage as it stands; `outage` is the message as its CSO sent it."""

    visited_cso = serializers.CharField(source="visited_cso.identifier")
    kind = serializers.ChoiceField(choices=[kind.value for kind in OutageKind])
    state = serializers.SerializerMethodField()
    in_force = serializers.SerializerMethodField()
    outage = AsSentField(source="body")

    class Meta:
        model = Outage
        fields = [
            "outage_id", "visited_cso", "kind", "state", "in_force", "starts_at", "ends_at",
            "description", "last_updated", "received_at", "outage",
        ]  # fmt: skip

    @extend_schema_field({"type": "string", "enum": [state.value for state in OutageState]})
    def get_state(self, outage: Outage) -> str:
        return outage.state.upper()

    def get_in_force(self, outage: Outage) -> bool:
        return outage.in_force_at(business_now())


class ToldPart(serializers.Serializer[Any]):
    """A home-CSP's platform to which this outage was sent, and when it took it."""

    home_csps = serializers.ListField(child=serializers.CharField())
    state = serializers.ChoiceField(choices=["waiting", "delivered", "dead"])
    sent_at = serializers.DateTimeField()
    delivered_at = serializers.DateTimeField(allow_null=True)


class OutageDetailSerializer(OutageSerializer):
    """With the EVSEs that it affects; `told` for the CSO alone, null for others."""

    evse_ids = serializers.SerializerMethodField()
    told = serializers.SerializerMethodField()

    class Meta(OutageSerializer.Meta):
        fields = [*OutageSerializer.Meta.fields, "evse_ids", "told"]

    def get_evse_ids(self, outage: Outage) -> list[str]:
        return list(outage.evses.order_by("key").values_list("evse_id", flat=True))

    @extend_schema_field(ToldPart(many=True, allow_null=True))
    def get_told(self, outage: Outage) -> Any:
        platform: Platform = self.context["request"].user
        if not platform.held_identifiers.filter(identifier=outage.visited_cso).exists():
            return None
        return ToldPart(who_was_told(outage), many=True).data


class OutageFilter(django_filters.FilterSet):
    visited_cso = VisitedCsoFilter("visited_cso__key")
    state = django_filters.ChoiceFilter(
        method="in_state", choices=[(state.value, state.value) for state in OutageState]
    )
    kind = django_filters.ChoiceFilter(choices=[(kind.value, kind.value) for kind in OutageKind])
    evse_id = EvseIdFilter("evses__key")
    in_force_at = MomentFilter(method="force_at")
    updated_since = MomentFilter("received_at", lookup_expr="gte")

    class Meta:
        model = Outage
        fields = ["visited_cso", "state", "kind", "evse_id", "in_force_at", "updated_since"]

    def in_state(self, rows: QuerySet[Outage], name: str, value: str) -> QuerySet[Outage]:
        """By its name on the wire."""
        return rows.filter(state=value.lower())

    def force_at(self, rows: QuerySet[Outage], name: str, value: datetime) -> QuerySet[Outage]:
        """At that moment."""
        return rows.filter(in_force(value))


class _VisibleOutages(generics.GenericAPIView[Outage]):
    """Of the caller, and of every CSO that it has or had an agreement with (SDR window open)."""

    queryset = Outage.objects.none()

    def get_queryset(self) -> QuerySet[Outage]:
        platform: Platform = self.request.user  # type: ignore[assignment]
        return Outage.objects.filter(
            visible_cso_condition(platform, also_ended=True), environment=platform.environment
        ).select_related("visited_cso")


@extend_schema_view(
    get=extend_schema(
        operation_id="list_outages",
        tags=[TAG],
        summary="Outages and maintenance at the caller's EVSEs, and at those of its partners",
        examples=[answered("In force", {k: v for k, v in OUTAGE_READ.items()
                                        if k not in ("evse_ids", "told")})],
    )
)  # fmt: skip
class OutageListView(_VisibleOutages, generics.ListAPIView[Outage]):
    serializer_class = OutageSerializer
    filterset_class = OutageFilter
    pagination_class = NewestFirst


class OutageIntake(MessageView):
    """UC5-1: announce, change, end, cancel."""

    use_case = UseCase.UC5_1

    @extend_schema(
        operation_id="announce_outage",
        tags=[TAG],
        summary="Announce maintenance or an outage, change it, end it or cancel it",
        description=(
            "The newest `last_updated` wins. Send the same id again with `state` ENDED and "
            "`ends_at`, or CANCELLED. Every home-CSP with an agreement is told."
        ),
        request=OutageMessage,
        responses={
            200: StoredObject,
            **refusals("invalid_identifier", "unknown_evse", "time_without_offset", *READING),
        },
        examples=[
            asked("Planned maintenance of a site", OUTAGE),
            asked("Over earlier than planned", {
                **{k: v for k, v in OUTAGE.items() if k != "site_ids"},
                "state": "ENDED", "ends_at": "2026-10-06T03:10:00+02:00",
                "last_updated": "2026-10-06T03:10:05+02:00",
            }),
            answered("Stored", {**STORED, "id": OUTAGE["id"]}),
        ],
    )  # fmt: skip
    def put(self, request: Request, outage_id: str) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        message = decode(body, OutageMessage)
        if message.id != outage_id:
            raise Refusal("invalid_field", "The id differs from the one in the address.", "id")
        outage, taken = receive_outage(envelope, message)
        content = StoredObject(id=outage.outage_id, taken=taken, received_at=outage.received_at)
        return self.render(request, content)


@extend_schema_view(
    get=extend_schema(
        operation_id="read_outage",
        tags=[TAG],
        summary="One outage: the EVSEs that it affects, and for its CSO who was told",
        parameters=[
            OpenApiParameter(
                "visited_cso", OpenApiTypes.STR,
                description="Whose it is, where two CSOs gave the same id.",
            )
        ],
        responses={200: OutageDetailSerializer, **refusals("not_found", "invalid_field")},
        examples=[answered("As its CSO sees it", OUTAGE_READ)],
    )
)  # fmt: skip
class OutageView(OutageIntake, _VisibleOutages, generics.RetrieveAPIView[Outage]):
    """UC5-1: PUT takes it in, GET shows it."""

    serializer_class = OutageDetailSerializer

    def get_object(self) -> Outage:
        named = Q(outage_id=self.kwargs["outage_id"])
        if visited_cso := self.request.query_params.get("visited_cso"):
            named &= Q(visited_cso__identifier=visited_cso)
        found = list(self.get_queryset().filter(named)[:2]) if _possible(self.kwargs) else []
        if not found:
            raise Refusal("not_found", "No outage with this id concerns you.")
        if len(found) > 1:
            raise Refusal("invalid_field", "Two CSOs gave this id: say whose.", "visited_cso")
        return found[0]


def _possible(names: dict[str, Any]) -> bool:
    return str(names["outage_id"]).isprintable()


urlpatterns = [
    path("outages", OutageListView.as_view(), name="uc5-1-outages"),
    path("outages/<str:outage_id>", OutageView.as_view(), name="uc5-1-outage"),
]
