"""Group 3, energy transfer management (IEC 63119-2, 8.3): the starts at the EVSE. UC3-1, UC3-3."""

from __future__ import annotations

import uuid
from typing import Literal

import msgspec
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request

from roaming.api.correlation import correlation_id_of
from roaming.api.message_view import MessageView, decode
from roaming.api.schema import AGREEING, ASKING, READING, refusals
from roaming.domain.decision import IdentificationQuestion, PlugAndChargeMessage
from roaming.domain.moments import check_moment
from roaming.domain.use_case import UseCase
from roaming.hub_switch.store_decision import Ruling
from roaming.models import ServiceSession
from roaming.use_cases.uc3_01_start_locally import start_locally
from roaming.use_cases.uc3_03_start_by_plug_and_charge import start_by_plug_and_charge


class StartAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """The decision. With ACCEPTED the session is open under `service_session_id`.

    `home_csp` and `service_session_id` are null where no home-CSP knows the card.
    """

    decision: Literal["ACCEPTED", "REFUSED"]
    reason: str
    """Of a refusal, for example `unknown`, `blocked`, `expired`, `removed`."""
    service_session_id: uuid.UUID | None
    home_csp: str | None
    authorised: str
    """`ONLINE`: by the home-CSP. `OFFLINE`: by the data that it distributed. Empty: not at all."""
    offline_reason: str
    """Why the distributed data decided: `whitelist_always`, or the trouble in asking."""
    liability: str
    """Who bears an offline start after the agreement: `home_csp` or `visited_cso`."""
    authorization_reference: str
    csp_session_id: str
    contract_id: str
    correlation_id: str


STARTED = OpenApiExample(
    "Accepted by the home-CSP",
    response_only=True,
    status_codes=["200"],
    value={
        "decision": "ACCEPTED",
        "reason": "",
        "service_session_id": "01a10bef-6200-7a3c-9d51-52a1c07fe9b4",
        "home_csp": "DE-HOM",
        "authorised": "ONLINE",
        "offline_reason": "",
        "liability": "",
        "authorization_reference": "A-2026-10-05-4711",
        "csp_session_id": "C-88120",
        "contract_id": "DE-HOM-C12345678-X",
        "correlation_id": "b3b5f2de-6c0e-4a5b-8f64-2f0f1a6f6b31",
    },
)
STOOD_IN = OpenApiExample(
    "The home-CSP is silent, its distributed data decides",
    response_only=True,
    status_codes=["200"],
    value={
        **STARTED.value,
        "authorised": "OFFLINE",
        "offline_reason": "receiver_timed_out",
        "liability": "home_csp",
        "authorization_reference": "7b0f3c1e-55f0-4a0e-9a55-0d0d6a0c51a7",
        "csp_session_id": "",
        "contract_id": "",
    },
)
NOBODY_KNOWS = OpenApiExample(
    "No home-CSP knows the card",
    response_only=True,
    status_codes=["200"],
    value={
        **STARTED.value,
        "decision": "REFUSED",
        "reason": "unknown",
        "service_session_id": None,
        "home_csp": None,
        "authorised": "",
        "authorization_reference": "",
        "csp_session_id": "",
        "contract_id": "",
    },
)


class StartView(MessageView):
    """What the starts have in common: their answer."""

    is_admitted = True

    def answer(
        self, request: Request, session: ServiceSession | None, ruling: Ruling
    ) -> HttpResponse:
        decision = ruling.decision
        content = StartAnswer(
            decision=decision.decision,
            reason=decision.reason,
            service_session_id=session.id if session else None,
            home_csp=ruling.home_csp.identifier if ruling.home_csp else None,
            authorised=ruling.authorised,
            offline_reason=ruling.offline_reason,
            liability=ruling.liability,
            authorization_reference=decision.authorization_reference,
            csp_session_id=decision.csp_session_id,
            contract_id=decision.contract_id,
            correlation_id=correlation_id_of(request),
        )
        return self.render(request, content)


class LocalStartView(StartView):
    """UC3-1."""

    use_case = UseCase.UC3_1

    @extend_schema(
        operation_id="start_locally",
        tags=["UC3-1 Start locally at the EVSE"],
        summary="A user identified at an EVSE: ask the home-CSP, open the session",
        description="The home-CSP is found by `home_csp`, the contract id, or a token that was "
        "distributed (UC4-2). An RFID card that nobody distributed is asked for at all home-CSPs "
        "with an agreement that covers local starts; the first acceptance wins. Distributed data "
        "decides where its policy is ALWAYS, and in place of a silent home-CSP where its policy "
        "(ALLOWED; ALLOWED_OFFLINE only where it cannot be reached) and the agreement allow it.",
        request=IdentificationQuestion,
        responses={
            200: StartAnswer,
            **refusals(
                "invalid_identifier", "time_without_offset", "unknown_evse", "unknown_party",
                "home_csp_unknown", "contract_of_other_csp", "reservation_state",
                *READING, *AGREEING, *ASKING,
            ),
        },
        examples=[
            OpenApiExample(
                "An RFID card",
                request_only=True,
                value={
                    "visited_cso": "DE*VIS",
                    "evse_id": "DE*VIS*E001",
                    "connector_id": "1",
                    "cso_session_id": "S-20261005-17",
                    "identification": {"method": "RFID", "token_uid": "04A2B3C4D5E6F7"},
                    "requested_at": "2026-10-05T10:00:00+02:00",
                },
            ),
            STARTED,
            STOOD_IN,
            NOBODY_KNOWS,
        ],
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        question = decode(body, IdentificationQuestion)
        if question.requested_at is not None:
            check_moment(question.requested_at, "requested_at")
        return self.answer(request, *start_locally(envelope, question))


class PlugAndChargeView(StartView):
    """UC3-3."""

    use_case = UseCase.UC3_3

    @extend_schema(
        operation_id="start_by_plug_and_charge",
        tags=["UC3-3 Start by plug and charge"],
        summary="A vehicle presented its contract certificate: ask the home-CSP, open the session",
        description="`emaid` is the contract id in the contract certificate. The certificate's "
        "hash data and OCSP status go on to the home-CSP as they were sent.",
        request=PlugAndChargeMessage,
        responses={
            200: StartAnswer,
            **refusals(
                "invalid_identifier", "time_without_offset", "unknown_evse", "unknown_party",
                "home_csp_unknown", "contract_of_other_csp", "reservation_state",
                *READING, *AGREEING, *ASKING,
            ),
        },
        examples=[
            OpenApiExample(
                "A contract certificate",
                request_only=True,
                value={
                    "visited_cso": "DE*VIS",
                    "evse_id": "DE*VIS*E001",
                    "connector_id": "1",
                    "cso_session_id": "S-20261005-18",
                    "emaid": "DE-HOM-C12345678-X",
                    "certificate_hash_data": [
                        {
                            "hash_algorithm": "SHA256",
                            "issuer_name_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
                            "issuer_key_hash": "60303ae22b998861bce3b28f33eec1be758a213c",
                            "serial_number": "3A7F",
                            "responder_url": "https://ocsp.example",
                        }
                    ],
                    "certificate_status": "good",
                },
            ),
            STARTED,
        ],
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        message = decode(body, PlugAndChargeMessage)
        if message.requested_at is not None:
            check_moment(message.requested_at, "requested_at")
        return self.answer(request, *start_by_plug_and_charge(envelope, message))


urlpatterns = [
    path("service-sessions/local-start", LocalStartView.as_view(), name="uc3-1-local-start"),
    path(
        "service-sessions/plug-and-charge-start",
        PlugAndChargeView.as_view(),
        name="uc3-3-plug-and-charge-start",
    ),
]
