"""Group 3, energy transfer management (IEC 63119-2, 8.3): while energy flows, and the end.

UC3-5 and UC3-6.
"""

from __future__ import annotations

import uuid
from datetime import datetime

import msgspec
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from roaming.api import session_examples as examples
from roaming.api.message_view import MessageView, decode
from roaming.api.schema import READING, refusals
from roaming.domain.charging_information import (
    ChargingInformation,
    Oddity,
    Untaken,
    age_s,
)
from roaming.domain.completion import CompletionMessage
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import UseCase
from roaming.use_cases.uc3_05_complete_transaction import complete_transaction
from roaming.use_cases.uc3_06_dynamic_charging_information import (
    Reading,
    read_charging_information,
    receive_charging_information,
)


class CompletionAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """`acknowledged`: the home-CSP has taken the message; else it is being delivered.

    `sdr_due`: send the SDR of this session (UC3-9); of a cancelled one there is none.
    """

    service_session_id: uuid.UUID
    state: str
    acknowledged: bool
    sdr_due: bool


class CompletionView(MessageView):
    """UC3-5."""

    use_case = UseCase.UC3_5

    @extend_schema(
        operation_id="complete_transaction",
        tags=["UC3-5 Complete the service transaction"],
        summary="Close a service session: with what was provided, or because nothing was",
        description=(
            "From a session that is authorised, active or reserved. `nothing_provided`: the user "
            "was authorised and went away without charging; the session is cancelled, the home-CSP "
            "is told, and no SDR is due."
        ),
        request=CompletionMessage,
        responses={
            200: CompletionAnswer,
            **refusals(
                "unknown_session",
                "session_state",
                "sdr_window_closed",
                "time_without_offset",
                *READING,
            ),
        },
        examples=examples.COMPLETION,
    )
    def post(self, request: Request, service_session_id: uuid.UUID) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        message = decode(body, CompletionMessage)
        completion = complete_transaction(envelope, service_session_id, message)
        content = CompletionAnswer(
            service_session_id=completion.session.id,
            state=completion.session.state,
            acknowledged=completion.acknowledged,
            sdr_due=completion.sdr_due,
        )
        return self.render(request, content)


class ChargingInformationAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """`taken` is false where nothing changed; `why_not` says why, and it is no error.

    `warnings` are for the visited-CSO to look at: the message was taken all the same.
    """

    service_session_id: uuid.UUID
    state: str
    taken: bool
    why_not: Untaken | None
    warnings: list[Oddity]


class Trouble(msgspec.Struct, kw_only=True, frozen=True):
    """Why the visited-CSO could not be asked: a code of the refusal catalogue, and words."""

    code: str
    detail: str


class ChargingInformationReading(msgspec.Struct, kw_only=True, frozen=True):
    """The newest that is known. `information` is as the CSO sent it, null where nothing came yet.

    `age_s`: seconds since its stamp. `fresh`: the visited-CSO was asked just now and answered.
    """

    service_session_id: uuid.UUID
    state: str
    information: ChargingInformation | None
    received_at: datetime | None
    age_s: int | None
    fresh: bool
    trouble: Trouble | None


class ChargingInformationView(MessageView):
    """UC3-6: the visited-CSO reports, both parties read."""

    use_case = UseCase.UC3_6

    @extend_schema(
        operation_id="report_charging_information",
        tags=["UC3-6 Dynamic charging information"],
        summary="Report how a session is doing; the home-CSP gets the newest",
        description=(
            "The first report makes the session active. What is stamped before something stored, "
            "comes again, or comes after the end is answered with `taken: false` and does no harm. "
            "Reports that still wait for the home-CSP are replaced by a newer one."
        ),
        request=ChargingInformation,
        responses={
            200: ChargingInformationAnswer,
            **refusals(
                "unknown_session",
                "session_state",
                "sdr_window_closed",
                "time_without_offset",
                *READING,
            ),
        },
        examples=examples.REPORT,
    )
    def put(self, request: Request, service_session_id: uuid.UUID) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        message = decode(body, ChargingInformation)
        receipt = receive_charging_information(envelope, service_session_id, message)
        content = ChargingInformationAnswer(
            service_session_id=receipt.session.id,
            state=receipt.session.state,
            taken=receipt.untaken is None,
            why_not=receipt.untaken,
            warnings=receipt.oddities,
        )
        return self.render(request, content)

    @extend_schema(
        operation_id="read_charging_information",
        tags=["UC3-6 Dynamic charging information"],
        summary="The newest charging information of a session, stored or asked for now",
        description=(
            "For both parties. With `fresh=true` the home-CSP has the visited-CSO asked "
            "(`uc3-6/request`) while the session runs; where it cannot answer, what is stored is "
            "returned with its age, and `trouble` names the reason."
        ),
        parameters=[OpenApiParameter("fresh", bool, description="Have the visited-CSO asked.")],
        responses={
            200: ChargingInformationReading,
            **refusals("unknown_session", "invalid_field"),
        },
        examples=examples.READING_INFORMATION,
    )
    def get(self, request: Request, service_session_id: uuid.UUID) -> HttpResponse:
        fresh = flag(request, "fresh")
        envelope = self.envelope(request)
        reading = read_charging_information(envelope, service_session_id, fresh)
        return self.render(request, _reading(reading, envelope.now))


def flag(request: Request, name: str) -> bool:
    """A yes or no of the address. Refuses invalid_field."""
    text = request.query_params.get(name, "false").lower()
    if text not in ("true", "false"):
        raise Refusal("invalid_field", "Either true or false.", name)
    return text == "true"


def _reading(reading: Reading, now: datetime) -> dict[str, object]:
    newest, trouble = reading.newest, reading.trouble
    body = getattr(newest, "body", None)  # erased with the rest of its session in the end
    return {
        "service_session_id": reading.session.id,
        "state": reading.session.state,
        "information": msgspec.Raw(body.content.encode()) if body else None,
        "received_at": newest.received_at if newest else None,
        "age_s": age_s(newest.stamped_at, now) if newest else None,
        "fresh": reading.fresh,
        "trouble": Trouble(code=trouble.code, detail=trouble.detail) if trouble else None,
    }


urlpatterns = [
    path(
        "service-sessions/<uuid:service_session_id>/completion",
        CompletionView.as_view(),
        name="uc3-5-completion",
    ),
    path(
        "service-sessions/<uuid:service_session_id>/charging-information",
        ChargingInformationView.as_view(),
        name="uc3-6-charging-information",
    ),
]
