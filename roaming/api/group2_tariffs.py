"""Group 2, tariff and pricing (IEC 63119-2, 8.2): UC2-1."""

from __future__ import annotations

import django_filters
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request

from roaming.api.filters import MomentFilter, VisitedCsoFilter
from roaming.api.group1_general import StoredObject, visible_cso_condition
from roaming.api.manners import IMPERSONAL, precondition_of
from roaming.api.message_view import MessageView, decode
from roaming.api.pages import NewestFirst
from roaming.api.rendering import AsSentField, EntityTag
from roaming.api.schema import READING, refusals
from roaming.api.session_examples import STORED_TARIFF, TARIFF, answered, asked
from roaming.domain.preconditions import entity_tag
from roaming.domain.refusals import Refusal
from roaming.domain.tariff.announcement import (
    TariffMessage,
    TariffSurroundings,
    announcement_of,
)
from roaming.domain.use_case import UseCase
from roaming.models import Platform, TariffVersion
from roaming.models.clock import business_now
from roaming.use_cases.uc2_01_inform_on_tariff import receive_tariff, withdraw_tariff


class TariffView(MessageView):
    """UC2-1: announce a version, or withdraw the tariff."""

    use_case = UseCase.UC2_1
    takes_conditions = True

    @extend_schema(
        operation_id="announce_tariff",
        tags=["UC2-1 Inform home-CSP on tariff"],
        summary="Announce a tariff version, for all home-CSPs or for one",
        request=TariffMessage,
        responses={200: StoredObject, **refusals("invalid_identifier", "unknown_party",
                                                 "time_without_offset", *READING)},
        description=(
            "A version counts from `valid_from` on, and only for sessions that start once it was "
            "received, plus the agreement's notice. One for a single `home_csp` beats the general "
            "one, and nobody else sees it. Versions are never changed; the same again does nothing."
        ),
        examples=[
            asked("For all home-CSPs, from November on", TARIFF),
            asked("For one home-CSP", {**TARIFF, "home_csp": "DE-HOM"}),
            answered("Stored", STORED_TARIFF),
        ],
    )  # fmt: skip
    def put(self, request: Request, tariff_id: str) -> HttpResponse:
        body = self.body_of(request)
        message = decode(body, TariffSurroundings)
        if message.id != tariff_id:
            raise Refusal("invalid_field", "The id differs from the one in the address.", "id")
        announced = announcement_of(message, body)
        envelope, condition = self.envelope(request, body), precondition_of(request)
        version, taken = receive_tariff(envelope, announced, condition)
        content = StoredObject(id=version.tariff_id, taken=taken, received_at=version.received_at)
        response = self.render(request, content)
        response["ETag"] = entity_tag(version.body)
        return response

    @extend_schema(
        operation_id="withdraw_tariff",
        tags=["UC2-1 Inform home-CSP on tariff"],
        summary="Withdraw a tariff from now on",
        parameters=[
            OpenApiParameter("visited_cso", str, required=True),
            OpenApiParameter("home_csp", str, description="The one home-CSP it was for."),
        ],
        responses={
            200: StoredObject,
            **refusals("invalid_identifier", "unknown_party", "party_not_held", "not_found"),
        },
        description="What was announced of it for later ends too. Announce it again to take it up.",
        examples=[answered("Withdrawn", STORED_TARIFF)],
    )
    def delete(self, request: Request, tariff_id: str) -> HttpResponse:
        version, taken = withdraw_tariff(
            self.envelope(request),
            tariff_id,
            request.query_params.get("visited_cso", ""),
            request.query_params.get("home_csp"),
        )
        content = StoredObject(id=version.tariff_id, taken=taken, received_at=version.received_at)
        return self.render(request, content)


class TariffSerializer(serializers.ModelSerializer[TariffVersion]):
    """A version as it is stored; `tariff` is the message as its CSO sent it, null: withdrawn."""

    visited_cso = serializers.CharField(source="visited_cso.identifier")
    home_csp = serializers.CharField(source="home_csp.identifier", allow_null=True, default=None)
    etag = EntityTag(source="body")
    tariff = AsSentField(source="body")

    class Meta:
        model = TariffVersion
        fields = [
            "tariff_id", "visited_cso", "home_csp", "currency", "valid_from", "valid_to",
            "received_at", "withdrawn", "on_request", "etag", "tariff",
        ]  # fmt: skip


class TariffFilter(django_filters.FilterSet):
    visited_cso = VisitedCsoFilter("visited_cso__key")
    received_since = MomentFilter("received_at", lookup_expr="gte")

    class Meta:
        model = TariffVersion
        fields = ["visited_cso", "tariff_id", "received_since"]


@extend_schema_view(
    get=extend_schema(
        operation_id="list_tariffs",
        tags=["UC2-1 Inform home-CSP on tariff"],
        summary="Tariff versions of the caller, and those announced to it",
    )
)
class TariffListView(generics.ListAPIView[TariffVersion]):
    """A tariff for one home-CSP is shown to its CSO and to that CSP, to nobody else."""

    cache_control = IMPERSONAL
    serializer_class = TariffSerializer
    filterset_class = TariffFilter
    pagination_class = NewestFirst
    queryset = TariffVersion.objects.none()

    def get_queryset(self) -> QuerySet[TariffVersion]:
        platform: Platform = self.request.user  # type: ignore[assignment]
        for_caller = (
            Q(home_csp=None)
            | Q(home_csp__held_by__platform=platform)
            | Q(visited_cso__held_by__platform=platform)
        )
        return (
            TariffVersion.objects.filter(environment=platform.environment)
            .filter(visible_cso_condition(platform), for_caller)
            .filter(received_at__lte=business_now())
            .select_related("visited_cso", "home_csp")
            .distinct()
        )


urlpatterns = [
    path("tariffs", TariffListView.as_view(), name="uc2-1-tariffs"),
    path("tariffs/<str:tariff_id>", TariffView.as_view(), name="uc2-1-tariff"),
]
