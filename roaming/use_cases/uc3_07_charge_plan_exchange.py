"""UC3-7, charge plan exchange (IEC 63119-2, 8.3): the home-CSP wishes, the visited-CSO plans.

Accepts: the wishes of the home-CSP's user for a session that is authorised or active. They are
switched to the visited-CSO at once; its yes, with the plan, or its no is the answer. Either party
reads the plan in force and the steps that led to it.
Refuses: unknown_session, session_state, service_not_covered (by the agreement that the session
opened under), sdr_window_closed, time_without_offset, invalid_field, and as every live question
does.
Passes under a suspended agreement, and under an ended one until its SDR window closes: a running
session is never stranded.
Leaves behind: a numbered step with wishes and answer (`accepted` is empty where the visited-CSO was
not reached), its bodies in an erasable row, two journal rows.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from django.db import transaction

from roaming.domain.charge_plan import (
    ChargePlanAnswer,
    ChargePlanWishes,
    check_wishes,
    read_plan_answer,
)
from roaming.domain.passing_on import as_sent
from roaming.domain.refusals import Refusal
from roaming.domain.wire_text import check_text, unquoted
from roaming.hub_switch import Envelope, Verdict, ask, write_admission, write_verdict
from roaming.hub_switch.running_session import (
    check_running,
    check_sdr_window,
    check_service,
    names_of,
    place_of,
    route_of,
    session_of_sender,
)
from roaming.models import ChargePlan, JournalEntry, PlanStep, Role, ServiceSession
from roaming.ports import OutgoingMessage

PATH = "uc3-7/charge-plan-wishes"
MOST_STEPS = 100


@dataclass(frozen=True, slots=True)
class PlanReading:
    """The plan in force, None where there is none, and the newest steps, the last one first."""

    session: ServiceSession
    plan: ChargePlan | None
    steps: Sequence[ChargePlan]


class _Fields(msgspec.Struct):
    plan: msgspec.Raw = msgspec.Raw(b"null")


def exchange_charge_plan(
    envelope: Envelope, session_id: uuid.UUID, wishes: ChargePlanWishes
) -> tuple[ChargePlan, ChargePlanAnswer]:
    """Has the visited-CSO plan for the wishes; returns the step and its answer."""
    check_wishes(wishes, envelope.now)
    session = session_of_sender(envelope, session_id, Role.CSP)
    check_service(envelope, session)
    check_sdr_window(envelope, session)
    check_running(session)
    route = route_of(session)
    write_admission(envelope, route, session.id, session.evse.key)
    try:
        body = ask(session.visited_cso, envelope.environment, _question(envelope, session)).body
        answer = _understood(envelope, session, body)
    except Refusal as refusal:
        refusal.journalled = True
        _keep(envelope, session, _not_reached(envelope, refusal), Verdict.of_refusal(refusal))
        raise
    outcome = JournalEntry.Outcome
    accepted = answer.decision == "ACCEPTED"
    verdict = Verdict(outcome.ACCEPTED if accepted else outcome.REFUSED, answer=body.decode())
    plan = msgspec.json.decode(body, type=_Fields).plan
    step = PlanStep(
        made_by=ChargePlan.MadeBy.HOME_CSP,
        accepted=accepted,
        reason=answer.reason,
        wishes=envelope.body.decode(),
        plan=bytes(plan).decode() if answer.plan is not None else "",
        stamped_at=answer.plan.stamped_at if answer.plan is not None else envelope.now,
        received_at=envelope.now,
    )
    return _keep(envelope, session, step, verdict), answer


def read_charge_plan(envelope: Envelope, session_id: uuid.UUID) -> PlanReading:
    """What stands between the two parties, for either of them."""
    session = session_of_sender(envelope, session_id, Role.CSO, Role.CSP)
    steps = ChargePlan.objects.filter(session=session).select_related("body")
    return PlanReading(
        session,
        ChargePlan.objects.in_force(session),
        list(steps.order_by("-number")[:MOST_STEPS]),
    )


def _question(envelope: Envelope, session: ServiceSession) -> OutgoingMessage:
    return OutgoingMessage(
        use_case=envelope.use_case.code,
        path=PATH,
        body=as_sent(envelope.body, {**names_of(session), **place_of(session)}).encode(),
        message_id=str(uuid.uuid4()),
        correlation_id=envelope.correlation_id,
        sender=session.home_csp.identifier,
        receiver=session.visited_cso.identifier,
    )


def _understood(envelope: Envelope, session: ServiceSession, body: bytes) -> ChargePlanAnswer:
    try:
        check_text(body)
        return read_plan_answer(body, envelope.now)
    except (Refusal, ValueError, RecursionError) as error:
        words = error.detail if isinstance(error, Refusal) else unquoted(error)
        detail = f"{session.visited_cso}: {words}"[:300]
        raise Refusal("receiver_answered_rubbish", detail) from error


def _not_reached(envelope: Envelope, refusal: Refusal) -> PlanStep:
    return PlanStep(
        made_by=ChargePlan.MadeBy.HOME_CSP,
        accepted=None,
        reason=refusal.code,
        wishes=envelope.body.decode(),
        stamped_at=envelope.now,
        received_at=envelope.now,
    )


def _keep(
    envelope: Envelope, session: ServiceSession, step: PlanStep, verdict: Verdict
) -> ChargePlan:
    """The step and the verdict become true together; steps of a session come one by one."""
    with transaction.atomic():
        ServiceSession.objects.select_for_update(no_key=True).get(pk=session.pk)
        row = ChargePlan.objects.append_to(session, step)
        write_verdict(envelope, route_of(session), verdict, session.id, session.evse.key)
    return row
