"""Group 4, credentials handling (IEC 63119-2, 8.4): UC4-1."""

from __future__ import annotations

import msgspec
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from roaming.api.correlation import correlation_id_of
from roaming.api.message_view import MessageView, decode
from roaming.api.schema import AGREEING, ASKING, READING, refusals
from roaming.domain.decision import IdentificationQuestion
from roaming.domain.moments import check_moment
from roaming.domain.use_case import UseCase
from roaming.use_cases.uc4_01_online_identification import identify_online


class AuthorisationAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """The home-CSP's decision. No session was opened."""

    decision: str
    reason: str
    home_csp: str
    contract_id: str
    authorization_reference: str
    correlation_id: str


class AuthorisationView(MessageView):
    """UC4-1."""

    use_case = UseCase.UC4_1

    @extend_schema(
        operation_id="identify_online",
        tags=["UC4-1 Online identification"],
        summary="Ask the home-CSP who this is, without a start",
        request=IdentificationQuestion,
        responses={
            200: AuthorisationAnswer,
            **refusals("invalid_identifier", "unknown_party", "home_csp_unknown",
                       *READING, *AGREEING, *ASKING),
        },
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        question = decode(body, IdentificationQuestion)
        if question.requested_at is not None:
            check_moment(question.requested_at, "requested_at")
        home_csp, decision = identify_online(envelope, question)
        content = AuthorisationAnswer(
            decision=decision.decision,
            reason=decision.reason,
            home_csp=home_csp.identifier,
            contract_id=decision.contract_id,
            authorization_reference=decision.authorization_reference,
            correlation_id=correlation_id_of(request),
        )
        return self.render(request, content)


urlpatterns = [
    path("identifications/authorisation", AuthorisationView.as_view(), name="uc4-1-authorisation"),
]
