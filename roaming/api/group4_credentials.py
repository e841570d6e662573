"""Group 4, credentials handling (IEC 63119-2, 8.4): UC4-1."""

from __future__ import annotations

from typing import Literal

import msgspec
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request

from roaming.api.correlation import correlation_id_of
from roaming.api.message_view import MessageView, decode
from roaming.api.schema import AGREEING, ASKING, READING, refusals
from roaming.domain.decision import IdentificationQuestion
from roaming.domain.moments import check_moment
from roaming.domain.use_case import UseCase
from roaming.use_cases.uc4_01_online_identification import identify_online


class AuthorisationAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """The decision. No session was opened. `home_csp` is null where none knows the card."""

    decision: Literal["ACCEPTED", "REFUSED"]
    reason: str
    home_csp: str | None
    authorised: str
    """`ONLINE`: by the home-CSP. `OFFLINE`: by the data that it distributed. Empty: not at all."""
    offline_reason: str
    """Why the distributed data decided: `whitelist_always`, or the trouble in asking."""
    liability: str
    """Who bears an offline authorisation after the agreement: `home_csp` or `visited_cso`."""
    contract_id: str
    authorization_reference: str
    correlation_id: str


class AuthorisationView(MessageView):
    """UC4-1."""

    use_case = UseCase.UC4_1
    is_admitted = True

    @extend_schema(
        operation_id="identify_online",
        tags=["UC4-1 Online identification"],
        summary="Ask the home-CSP who this is, without a start",
        description="Who is asked, and when distributed data decides, is as in UC3-1.",
        request=IdentificationQuestion,
        responses={
            200: AuthorisationAnswer,
            **refusals("invalid_identifier", "time_without_offset", "unknown_party",
                       "home_csp_unknown", "contract_of_other_csp",
                       *READING, *AGREEING, *ASKING),
        },
        examples=[
            OpenApiExample(
                "An RFID card",
                request_only=True,
                value={
                    "visited_cso": "DE*VIS",
                    "identification": {"method": "RFID", "token_uid": "04A2B3C4D5E6F7"},
                    "requested_at": "2026-10-05T10:00:00+02:00",
                },
            ),
            OpenApiExample(
                "Accepted by the home-CSP",
                response_only=True,
                status_codes=["200"],
                value={
                    "decision": "ACCEPTED",
                    "reason": "",
                    "home_csp": "DE-HOM",
                    "authorised": "ONLINE",
                    "offline_reason": "",
                    "liability": "",
                    "contract_id": "DE-HOM-C12345678-X",
                    "authorization_reference": "A-2026-10-05-4711",
                    "correlation_id": "b3b5f2de-6c0e-4a5b-8f64-2f0f1a6f6b31",
                },
            ),
        ],
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        question = decode(body, IdentificationQuestion)
        if question.requested_at is not None:
            check_moment(question.requested_at, "requested_at")
        ruling = identify_online(envelope, question)
        decision = ruling.decision
        content = AuthorisationAnswer(
            decision=decision.decision,
            reason=decision.reason,
            home_csp=ruling.home_csp.identifier if ruling.home_csp else None,
            authorised=ruling.authorised,
            offline_reason=ruling.offline_reason,
            liability=ruling.liability,
            contract_id=decision.contract_id,
            authorization_reference=decision.authorization_reference,
            correlation_id=correlation_id_of(request),
        )
        return self.render(request, content)


urlpatterns = [
    path("identifications/authorisation", AuthorisationView.as_view(), name="uc4-1-authorisation"),
]
