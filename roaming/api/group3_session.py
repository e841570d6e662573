"""Group 3, energy transfer management (IEC 63119-2, 8.3): the session itself; UC3-5."""

from __future__ import annotations

import uuid

import django_filters
import msgspec
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request

from roaming.api.filters import MomentFilter
from roaming.api.message_view import MessageView, decode
from roaming.api.pages import NewestFirst
from roaming.api.rendering import ExactDecimal
from roaming.api.schema import READING, refusals
from roaming.domain.completion import CompletionMessage
from roaming.domain.use_case import UseCase
from roaming.models import Platform, ServiceSession
from roaming.use_cases.uc3_05_complete_transaction import complete_transaction


class CompletionAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """`acknowledged`: the home-CSP has taken the message; else it is being delivered."""

    service_session_id: uuid.UUID
    state: str
    acknowledged: bool


class CompletionView(MessageView):
    """UC3-5."""

    use_case = UseCase.UC3_5

    @extend_schema(
        operation_id="complete_transaction",
        tags=["UC3-5 Complete the service transaction"],
        summary="Close a service session; its SDR is due then",
        request=CompletionMessage,
        responses={
            200: CompletionAnswer,
            **refusals("unknown_session", "session_state", "time_without_offset", *READING),
        },
    )
    def post(self, request: Request, service_session_id: uuid.UUID) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        message = decode(body, CompletionMessage)
        session, acknowledged = complete_transaction(envelope, service_session_id, message)
        content = CompletionAnswer(
            service_session_id=session.id, state=session.state, acknowledged=acknowledged
        )
        return self.render(request, content)


class ServiceSessionSerializer(serializers.ModelSerializer[ServiceSession]):
    """A session as the clearing house saw it; ids as the two parties sent them."""

    service_session_id = serializers.UUIDField(source="id")
    visited_cso = serializers.CharField(source="visited_cso.identifier")
    home_csp = serializers.CharField(source="home_csp.identifier")
    evse_id = serializers.CharField(source="evse.evse_id")
    energy_kwh = ExactDecimal(allow_null=True)

    class Meta:
        model = ServiceSession
        fields = [
            "service_session_id", "state", "visited_cso", "home_csp", "evse_id", "connector_id",
            "identification_method", "authorised", "authorization_reference", "cso_session_id",
            "csp_session_id", "opened_at", "started_at", "ended_at", "energy_kwh",
            "refusal_reason",
        ]  # fmt: skip


class ServiceSessionFilter(django_filters.FilterSet):
    visited_cso = django_filters.CharFilter(field_name="visited_cso__identifier")
    home_csp = django_filters.CharFilter(field_name="home_csp__identifier")
    opened_since = MomentFilter("opened_at", lookup_expr="gte")

    class Meta:
        model = ServiceSession
        fields = ["state", "visited_cso", "home_csp", "opened_since"]


class _OwnSessions(generics.GenericAPIView[ServiceSession]):
    """Only sessions that the caller is a party of."""

    serializer_class = ServiceSessionSerializer
    queryset = ServiceSession.objects.none()

    def get_queryset(self) -> QuerySet[ServiceSession]:
        platform: Platform = self.request.user  # type: ignore[assignment]
        held = platform.held_identifiers.values("identifier")
        return (
            ServiceSession.objects.filter(environment=platform.environment)
            .filter(Q(visited_cso__in=held) | Q(home_csp__in=held))
            .select_related("visited_cso", "home_csp", "evse")
        )


@extend_schema_view(
    get=extend_schema(
        operation_id="list_service_sessions",
        tags=["Service sessions"],
        summary="Service sessions of the caller",
    )
)
class ServiceSessionListView(_OwnSessions, generics.ListAPIView[ServiceSession]):
    filterset_class = ServiceSessionFilter
    pagination_class = NewestFirst


@extend_schema_view(
    get=extend_schema(
        operation_id="read_service_session",
        tags=["Service sessions"],
        summary="One service session of the caller",
        responses={200: ServiceSessionSerializer, **refusals("not_found")},
    )
)
class ServiceSessionDetailView(_OwnSessions, generics.RetrieveAPIView[ServiceSession]):
    lookup_url_kwarg = "service_session_id"


urlpatterns = [
    path(
        "service-sessions/<uuid:service_session_id>/completion",
        CompletionView.as_view(),
        name="uc3-5-completion",
    ),
    path("service-sessions", ServiceSessionListView.as_view(), name="service-sessions"),
    path(
        "service-sessions/<uuid:service_session_id>",
        ServiceSessionDetailView.as_view(),
        name="service-session",
    ),
]
