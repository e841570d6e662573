"""Group 3, energy transfer management (IEC 63119-2, 8.3): the charge plan. UC3-7 and UC3-10."""

from __future__ import annotations

import uuid
from datetime import datetime

import msgspec
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from roaming.api import session_examples as examples
from roaming.api.message_view import MessageView, decode
from roaming.api.schema import ASKING, READING, refusals
from roaming.domain.charge_plan import (
    ChargePlanContent,
    ChargePlanUpdate,
    ChargePlanWishes,
    PlanUntaken,
)
from roaming.domain.use_case import UseCase
from roaming.models import ChargePlan
from roaming.use_cases.uc3_07_charge_plan_exchange import exchange_charge_plan, read_charge_plan
from roaming.use_cases.uc3_10_charge_plan_update import update_charge_plan


class ExchangeAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """The visited-CSO's decision. `plan` is as it sent it; ACCEPTED without: it follows (UC3-10).

    `number` counts the steps of the session's exchange from 1.
    """

    service_session_id: uuid.UUID
    number: int
    decision: str
    reason: str
    plan: ChargePlanContent | None


class PlanStepInfo(msgspec.Struct, kw_only=True, frozen=True):
    """One step of the exchange; `accepted` is null where the visited-CSO was not reached.

    `wishes` and `plan` are as they were sent.
    """

    number: int
    made_by: str
    accepted: bool | None
    reason: str
    wishes: ChargePlanWishes | None
    plan: ChargePlanContent | None
    stamped_at: datetime
    received_at: datetime


class PlanReadingInfo(msgspec.Struct, kw_only=True, frozen=True):
    """The plan in force: the CSO's newest stamp. `history`: the last 100 steps, newest first."""

    service_session_id: uuid.UUID
    state: str
    plan: ChargePlanContent | None
    history: list[PlanStepInfo]


class ChargePlanView(MessageView):
    """UC3-7: the home-CSP wishes, both parties read."""

    use_case = UseCase.UC3_7

    @extend_schema(
        operation_id="exchange_charge_plan",
        tags=["UC3-7 Charge plan exchange"],
        summary="Send the user's wishes; the visited-CSO answers with its plan",
        description=(
            "Switched to the visited-CSO at once (`uc3-7/charge-plan-wishes`). The agreement under "
            "which the session opened must cover the charge plan; its suspension does not matter, "
            "nor its end before the SDR window closes."
        ),
        request=ChargePlanWishes,
        responses={
            200: ExchangeAnswer,
            **refusals(
                "unknown_session", "session_state", "service_not_covered", "sdr_window_closed",
                "time_without_offset", *READING, *ASKING,
            ),
        },
        examples=examples.EXCHANGE,
    )  # fmt: skip
    def put(self, request: Request, service_session_id: uuid.UUID) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        wishes = decode(body, ChargePlanWishes)
        step, answer = exchange_charge_plan(envelope, service_session_id, wishes)
        content = {
            "service_session_id": service_session_id,
            "number": step.number,
            "decision": answer.decision,
            "reason": answer.reason,
            "plan": as_sent(step, "plan"),
        }
        return self.render(request, content)

    @extend_schema(
        operation_id="read_charge_plan",
        tags=["UC3-7 Charge plan exchange"],
        summary="The plan in force, and the steps that led to it",
        responses={200: PlanReadingInfo, **refusals("unknown_session")},
        examples=examples.READING_PLAN,
    )
    def get(self, request: Request, service_session_id: uuid.UUID) -> HttpResponse:
        reading = read_charge_plan(self.envelope(request), service_session_id)
        content = {
            "service_session_id": service_session_id,
            "state": reading.session.state,
            "plan": as_sent(reading.plan, "plan") if reading.plan else None,
            "history": [_step(step) for step in reading.steps],
        }
        return self.render(request, content)


class PlanUpdateAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """`taken` is false where nothing changed; `why_not` says why, and it is no error.

    `number` is that of the plan in force. `acknowledged`: the home-CSP has taken it; else it is
    being delivered.
    """

    service_session_id: uuid.UUID
    number: int
    taken: bool
    why_not: PlanUntaken | None
    acknowledged: bool


class ChargePlanUpdateView(MessageView):
    """UC3-10."""

    use_case = UseCase.UC3_10

    @extend_schema(
        operation_id="update_charge_plan",
        tags=["UC3-10 Charge plan update"],
        summary="Tell the home-CSP that the plan has changed",
        description=(
            "Passed on at once (`uc3-10/charge-plan`), else by a worker; a newer plan takes the "
            "place of one that still waits. What is stamped before the plan in force is ignored."
        ),
        request=ChargePlanUpdate,
        responses={
            200: PlanUpdateAnswer,
            **refusals("unknown_session", "session_state", "service_not_covered",
                       "sdr_window_closed", "time_without_offset", *READING),
        },
        examples=examples.PLAN_UPDATE,
    )  # fmt: skip
    def post(self, request: Request, service_session_id: uuid.UUID) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        message = decode(body, ChargePlanUpdate)
        receipt = update_charge_plan(envelope, service_session_id, message)
        content = PlanUpdateAnswer(
            service_session_id=service_session_id,
            number=receipt.step.number,
            taken=receipt.untaken is None,
            why_not=receipt.untaken,
            acknowledged=receipt.acknowledged,
        )
        return self.render(request, content)


def as_sent(step: ChargePlan, name: str) -> msgspec.Raw | None:
    """The wishes or the plan of a step, byte for byte; None where there are none (any more)."""
    text: str = getattr(getattr(step, "body", None), name, "")
    return msgspec.Raw(text.encode()) if text else None


def _step(step: ChargePlan) -> dict[str, object]:
    return {
        "number": step.number,
        "made_by": step.made_by,
        "accepted": step.accepted,
        "reason": step.reason,
        "wishes": as_sent(step, "wishes"),
        "plan": as_sent(step, "plan"),
        "stamped_at": step.stamped_at,
        "received_at": step.received_at,
    }


urlpatterns = [
    path(
        "service-sessions/<uuid:service_session_id>/charge-plan",
        ChargePlanView.as_view(),
        name="uc3-7-charge-plan",
    ),
    path(
        "service-sessions/<uuid:service_session_id>/charge-plan-updates",
        ChargePlanUpdateView.as_view(),
        name="uc3-10-charge-plan-updates",
    ),
]
