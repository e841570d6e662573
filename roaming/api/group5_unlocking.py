"""Group 5, supporting functions (IEC 63119-2, 8.5): emergency cable unlocking. UC5-2, UC5-3."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request

from roaming.api.commands import CommandTaken, taken, taken_examples
from roaming.api.message_view import MessageView, decode
from roaming.api.schema import ASKING, READING, refusals
from roaming.domain.unlocking import EvseUnlockWish, UnlockWish
from roaming.domain.use_case import UseCase
from roaming.use_cases.uc5_02_unlock_after_activation import unlock_after_activation
from roaming.use_cases.uc5_03_unlock_activation_failed import unlock_activation_failed

_EMERGENCY = {
    "requested_by": "HOM help desk, case 815",
    "why": "The plug does not come out and the user has to leave",
}


class SessionUnlockView(MessageView):
    """UC5-2."""

    use_case = UseCase.UC5_2

    @extend_schema(
        operation_id="unlock_after_activation",
        tags=["UC5-2 Cable unlocking after activation"],
        summary="Unlock the cable of a session of yours, in an emergency",
        description=(
            "For a help desk, never for the driver's own hand. Who asked and why are kept and "
            "shown to the visited-CSO. The result is posted to `uc5-2/result`."
        ),
        request=UnlockWish,
        responses={
            200: CommandTaken,
            **refusals("unknown_session", "session_state", *READING, *ASKING),
        },
        examples=[
            OpenApiExample("The plug sticks", _EMERGENCY, request_only=True),
            *taken_examples(),
        ],
    )
    def post(self, request: Request, service_session_id: uuid.UUID) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        wish = decode(body, UnlockWish)
        return taken(self, request, unlock_after_activation(envelope, service_session_id, wish))


class EvseUnlockView(MessageView):
    """UC5-3."""

    use_case = UseCase.UC5_3

    @extend_schema(
        operation_id="unlock_activation_failed",
        tags=["UC5-3 Cable unlocking when activation failed"],
        summary="Unlock the cable at an EVSE where no session came about, in an emergency",
        description=(
            "Needs no agreement: nobody stays locked to a station. Who asked and why are kept and "
            "shown to the visited-CSO. The result is posted to `uc5-3/result`."
        ),
        parameters=[OpenApiParameter("evse_id", str, OpenApiParameter.PATH)],
        request=EvseUnlockWish,
        responses={
            200: CommandTaken,
            **refusals("invalid_identifier", "unknown_evse", *READING, *ASKING),
        },
        examples=[
            OpenApiExample(
                "The plug sticks",
                {"home_csp": "DE-HOM", "connector_id": "1", **_EMERGENCY},
                request_only=True,
            ),
            *taken_examples(service_session_id=None),
        ],
    )
    def post(self, request: Request, evse_id: str) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        wish = decode(body, EvseUnlockWish)
        return taken(self, request, unlock_activation_failed(envelope, evse_id, wish))


urlpatterns = [
    path(
        "service-sessions/<uuid:service_session_id>/unlock",
        SessionUnlockView.as_view(),
        name="uc5-2-unlock",
    ),
    path("evses/<str:evse_id>/unlock", EvseUnlockView.as_view(), name="uc5-3-unlock"),
]
