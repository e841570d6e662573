"""Group 3, energy transfer management (IEC 63119-2, 8.3): the starts. UC3-1."""

from __future__ import annotations

import uuid

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
from roaming.use_cases.uc3_01_start_locally import start_locally


class LocalStartAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """The home-CSP's decision. With ACCEPTED the session is open under `service_session_id`."""

    decision: str
    reason: str
    service_session_id: uuid.UUID
    home_csp: str
    authorised: str
    authorization_reference: str
    csp_session_id: str
    contract_id: str
    correlation_id: str


class LocalStartView(MessageView):
    """UC3-1."""

    use_case = UseCase.UC3_1

    @extend_schema(
        operation_id="start_locally",
        tags=["UC3-1 Start locally at the EVSE"],
        summary="A user identified at an EVSE: ask the home-CSP, open the session",
        request=IdentificationQuestion,
        responses={
            200: LocalStartAnswer,
            **refusals(
                "invalid_identifier", "unknown_evse", "unknown_party", "home_csp_unknown",
                *READING, *AGREEING, *ASKING,
            ),
        },
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        question = decode(body, IdentificationQuestion)
        if question.requested_at is not None:
            check_moment(question.requested_at, "requested_at")
        session, decision = start_locally(envelope, question)
        content = LocalStartAnswer(
            decision=decision.decision,
            reason=decision.reason,
            service_session_id=session.id,
            home_csp=session.home_csp.identifier,
            authorised=session.authorised,
            authorization_reference=decision.authorization_reference,
            csp_session_id=decision.csp_session_id,
            contract_id=decision.contract_id,
            correlation_id=correlation_id_of(request),
        )
        return self.render(request, content)


urlpatterns = [
    path("service-sessions/local-start", LocalStartView.as_view(), name="uc3-1-local-start"),
]
