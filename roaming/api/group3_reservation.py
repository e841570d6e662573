"""Group 3, energy transfer management (IEC 63119-2, 8.3): reservation of an EVSE. UC3-8."""

from __future__ import annotations

import uuid

import django_filters
import msgspec
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request

from roaming.api.commands import CommandTaken, taken, taken_examples
from roaming.api.filters import EvseIdFilter, HomeCspFilter, MomentFilter, VisitedCsoFilter
from roaming.api.message_view import MessageView, decode
from roaming.api.pages import NewestFirst
from roaming.api.schema import AGREEING, ASKING, READING, refusals
from roaming.domain.reservation import ReservationEnd, ReservationState, ReservationWish
from roaming.domain.use_case import UseCase
from roaming.models import Platform, Reservation
from roaming.use_cases.reservation_ends import cancel_reservation, receive_outcome
from roaming.use_cases.uc3_08_reservation import reserve_evse

TAG = "UC3-8 Reservation"
_RESERVATION_ID = "01a10bef-6200-7000-8000-00000000ca11"


class ReservationSerializer(serializers.ModelSerializer[Reservation]):
    """A reservation as both its parties see it. `reference` is the home-CSP's id of it."""

    reservation_id = serializers.UUIDField(source="id")
    service_session_id = serializers.UUIDField(source="session_id")
    visited_cso = serializers.CharField(source="visited_cso.identifier")
    home_csp = serializers.CharField(source="home_csp.identifier")
    evse_id = serializers.CharField(source="evse.evse_id")

    class Meta:
        model = Reservation
        fields = [
            "reservation_id", "service_session_id", "state", "visited_cso", "home_csp", "evse_id",
            "connector_id", "reference", "cso_reference", "reason", "starts_at", "expires_at",
            "requested_at", "ended_at",
        ]  # fmt: skip


class ReservationFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=[(s.value, s.label) for s in ReservationState])
    visited_cso = VisitedCsoFilter("visited_cso__key")
    home_csp = HomeCspFilter("home_csp__key")
    evse_id = EvseIdFilter("evse__key")
    expires_before = MomentFilter("expires_at", lookup_expr="lt")
    since = MomentFilter("requested_at", lookup_expr="gte")

    class Meta:
        model = Reservation
        fields = [
            "state", "visited_cso", "home_csp", "evse_id", "reference", "expires_before", "since"
        ]  # fmt: skip


class _OwnReservations(MessageView, generics.GenericAPIView[Reservation]):
    """Only reservations that the caller is a party of."""

    use_case = UseCase.UC3_8
    serializer_class = ReservationSerializer
    queryset = Reservation.objects.none()

    def get_queryset(self) -> QuerySet[Reservation]:
        platform: Platform = self.request.user  # type: ignore[assignment]
        held = platform.held_identifiers.values("identifier")
        return (
            Reservation.objects.filter(environment=platform.environment)
            .filter(Q(visited_cso__in=held) | Q(home_csp__in=held))
            .select_related("visited_cso", "home_csp", "evse")
        )


@extend_schema_view(
    get=extend_schema(
        operation_id="list_reservations", tags=[TAG], summary="Reservations of the caller"
    )
)
class ReservationsView(_OwnReservations, generics.ListAPIView[Reservation]):
    """UC3-8: reserve, and look."""

    filterset_class = ReservationFilter
    pagination_class = NewestFirst

    @extend_schema(
        operation_id="reserve_evse",
        tags=[TAG],
        summary="Reserve an EVSE for a user, or change a reservation",
        description=(
            "The visited-CSO accepts or rejects at once; whether it holds the EVSE is posted to "
            "`uc3-8/result` below your endpoint. The same `reference` and content again gets the "
            "same answer, or asks again where the visited-CSO was not reached. With `change` the "
            "window or the connector is asked for anew; the old ones hold until the result."
        ),
        request=ReservationWish,
        responses={
            200: CommandTaken,
            **refusals(
                "invalid_identifier", "time_without_offset", "unknown_evse",
                "contract_of_other_csp", "unknown_reservation", "reservation_state",
                "request_in_progress", "duplicate_with_other_content",
                *READING, *AGREEING, *ASKING,
            ),
        },
        examples=[
            OpenApiExample(
                "Half an hour from now",
                {
                    "home_csp": "DE-HOM",
                    "evse_id": "DE*VIS*E001",
                    "reference": "HOM-R-23",
                    "identification": {"method": "APP", "contract_id": "DE-HOM-C12345678"},
                    "expires_at": "2026-10-05T10:30:00+02:00",
                },
                request_only=True,
            ),
            OpenApiExample(
                "A quarter of an hour more",
                {
                    "home_csp": "DE-HOM",
                    "evse_id": "DE*VIS*E001",
                    "reference": "HOM-R-23",
                    "identification": {"method": "APP", "contract_id": "DE-HOM-C12345678"},
                    "expires_at": "2026-10-05T10:45:00+02:00",
                    "change": True,
                },
                request_only=True,
            ),
            *taken_examples(reservation_id=_RESERVATION_ID),
        ],
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        return taken(self, request, reserve_evse(envelope, decode(body, ReservationWish)))


@extend_schema_view(
    get=extend_schema(
        operation_id="read_reservation",
        tags=[TAG],
        summary="One reservation of the caller",
        responses={200: ReservationSerializer, **refusals("not_found")},
    )
)
class ReservationView(_OwnReservations, generics.RetrieveAPIView[Reservation]):
    """UC3-8: look, and cancel."""

    lookup_url_kwarg = "reservation_id"

    @extend_schema(
        operation_id="cancel_reservation",
        tags=[TAG],
        summary="Cancel a reservation: ask the visited-CSO to let the EVSE go",
        description="The result, posted to `uc3-8/result`, ends the reservation.",
        responses={
            200: CommandTaken,
            **refusals("unknown_reservation", "reservation_state", "request_in_progress", *ASKING),
        },
        examples=taken_examples(reservation_id=_RESERVATION_ID),
    )
    def delete(self, request: Request, reservation_id: uuid.UUID) -> HttpResponse:
        return taken(self, request, cancel_reservation(self.envelope(request), reservation_id))


class OutcomeTaken(msgspec.Struct, kw_only=True, frozen=True):
    """`acknowledged`: the home-CSP has taken the notice; else it is being delivered."""

    reservation_id: uuid.UUID
    service_session_id: uuid.UUID
    state: str
    acknowledged: bool


class ReservationOutcomeView(MessageView):
    """UC3-8: the visited-CSO's word on a reservation that ended without a start."""

    use_case = UseCase.UC3_8

    @extend_schema(
        operation_id="report_reservation_outcome",
        tags=[TAG],
        summary="Say that a reservation expired, that nobody came, or that it cannot be kept",
        description="After NO_SHOW an SDR of the session is due (UC3-9); with EXPIRED none is. "
        "Where a remote start on it is under way, report the result of that first.",
        request=ReservationEnd,
        responses={
            200: OutcomeTaken,
            **refusals("unknown_reservation", "reservation_state", *READING),
        },
        examples=[
            OpenApiExample("Nobody came", {"outcome": "NO_SHOW"}, request_only=True),
            OpenApiExample(
                "It cannot be kept",
                {"outcome": "CANCELLED", "reason": "EVSE_INOPERATIVE"},
                request_only=True,
            ),
            OpenApiExample(
                "Taken",
                {
                    "reservation_id": _RESERVATION_ID,
                    "service_session_id": "01a10bef-6200-7000-8000-000000005e55",
                    "state": "no_show",
                    "acknowledged": True,
                },
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )
    def post(self, request: Request, reservation_id: uuid.UUID) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        message = decode(body, ReservationEnd)
        reservation, acknowledged = receive_outcome(envelope, reservation_id, message)
        content = OutcomeTaken(
            reservation_id=reservation.id,
            service_session_id=reservation.session_id,
            state=reservation.state,
            acknowledged=acknowledged,
        )
        return self.render(request, content)


urlpatterns = [
    path("reservations", ReservationsView.as_view(), name="uc3-8-reservations"),
    path("reservations/<uuid:reservation_id>", ReservationView.as_view(), name="uc3-8-reservation"),
    path(
        "reservations/<uuid:reservation_id>/outcome",
        ReservationOutcomeView.as_view(),
        name="uc3-8-outcome",
    ),
]
