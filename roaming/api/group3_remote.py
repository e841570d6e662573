"""Group 3, energy transfer management (IEC 63119-2, 8.3): remote start and stop. UC3-2, UC3-4."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request

from roaming.api.commands import CommandTaken, taken, taken_examples
from roaming.api.message_view import MessageView, decode
from roaming.api.schema import AGREEING, ASKING, READING, refusals
from roaming.domain.use_case import UseCase
from roaming.use_cases.uc3_02_start_remotely import RemoteStartWish, start_remotely
from roaming.use_cases.uc3_04_stop_via_home_csp import StopWish, stop_via_home_csp


class RemoteStartView(MessageView):
    """UC3-2."""

    use_case = UseCase.UC3_2

    @extend_schema(
        operation_id="start_remotely",
        tags=["UC3-2 Start remotely"],
        summary="Start charging from an app: ask the visited-CSO, open the session",
        description=(
            "The visited-CSO accepts or rejects at once; its result is posted to "
            "`uc3-2/result` below your endpoint. After `receiver_timed_out` one may still come: "
            "find the command by `GET commands?correlation_id=…`."
        ),
        request=RemoteStartWish,
        responses={
            200: CommandTaken,
            **refusals(
                "invalid_identifier", "unknown_evse", "contract_of_other_csp",
                "unknown_reservation", "reservation_state", "request_in_progress",
                *READING, *AGREEING, *ASKING,
            ),
        },
        examples=[
            OpenApiExample(
                "From an app",
                {
                    "home_csp": "DE-HOM",
                    "evse_id": "DE*VIS*E001",
                    "connector_id": "1",
                    "identification": {"method": "APP", "contract_id": "DE-HOM-C12345678"},
                    "authorization_reference": "HOM-A-815",
                    "csp_session_id": "HOM-S-4711",
                },
                request_only=True,
            ),
            *taken_examples(),
        ],
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        return taken(self, request, start_remotely(envelope, decode(body, RemoteStartWish)))


class StopView(MessageView):
    """UC3-4."""

    use_case = UseCase.UC3_4

    @extend_schema(
        operation_id="stop_via_home_csp",
        tags=["UC3-4 Stop energy transfer"],
        summary="Stop the energy transfer of a session of yours",
        description=(
            "The result is posted to `uc3-4/result` below your endpoint; the session ends with its "
            "completion (UC3-5). A remote start whose result is missing can be stopped too: it may "
            "have worked."
        ),
        request=StopWish,
        responses={
            200: CommandTaken,
            **refusals("unknown_session", "session_state", *READING, *ASKING),
        },
        examples=[
            OpenApiExample("Stop", {"why": "The user pressed stop in the app"}, request_only=True),
            *taken_examples(),
        ],
    )
    def post(self, request: Request, service_session_id: uuid.UUID) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        wish = decode(body, StopWish)
        return taken(self, request, stop_via_home_csp(envelope, service_session_id, wish))


urlpatterns = [
    path("service-sessions/remote-start", RemoteStartView.as_view(), name="uc3-2-remote-start"),
    path("service-sessions/<uuid:service_session_id>/stop", StopView.as_view(), name="uc3-4-stop"),
]
