"""Group 3, energy transfer management (IEC 63119-2, 8.3): the sessions themselves."""

from __future__ import annotations

import django_filters
from django.db.models import Q, QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers

from roaming.api.filters import HomeCspFilter, MomentFilter, VisitedCsoFilter
from roaming.api.pages import NewestFirst
from roaming.api.rendering import ExactDecimal
from roaming.api.schema import refusals
from roaming.models import Platform, ServiceSession


class ServiceSessionSerializer(serializers.ModelSerializer[ServiceSession]):
    """A session as the clearing house saw it; ids as the two parties sent them.

    Power and cost so far are those of the newest charging information, while the session runs.
    """

    service_session_id = serializers.UUIDField(source="id")
    visited_cso = serializers.CharField(source="visited_cso.identifier")
    home_csp = serializers.CharField(source="home_csp.identifier")
    evse_id = serializers.CharField(source="evse.evse_id")
    energy_kwh = ExactDecimal(allow_null=True)
    power_kw = ExactDecimal(allow_null=True)
    cost_so_far = ExactDecimal(allow_null=True)

    class Meta:
        model = ServiceSession
        fields = [
            "service_session_id", "state", "visited_cso", "home_csp", "evse_id", "connector_id",
            "identification_method", "authorised", "authorization_reference", "cso_session_id",
            "csp_session_id", "opened_by", "opened_at", "authorised_at", "updated_at",
            "started_at", "ended_at", "completed_at", "energy_kwh", "power_kw", "cost_so_far",
            "cost_currency", "refusal_reason",
        ]  # fmt: skip


class ServiceSessionFilter(django_filters.FilterSet):
    visited_cso = VisitedCsoFilter("visited_cso__key")
    home_csp = HomeCspFilter("home_csp__key")
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
    path("service-sessions", ServiceSessionListView.as_view(), name="service-sessions"),
    path(
        "service-sessions/<uuid:service_session_id>",
        ServiceSessionDetailView.as_view(),
        name="service-session",
    ),
]
