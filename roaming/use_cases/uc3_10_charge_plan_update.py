"""UC3-10, charge plan updated by the visited-CSO (IEC 63119-2, 8.3).

Accepts: a changed plan of a session that is authorised or active. A plan that is stamped before the
one in force, or comes again, changes nothing and is answered.
Refuses: unknown_session, session_state, service_not_covered (by the agreement that the session
opened under), sdr_window_closed, time_without_offset, invalid_field.
Passes under a suspended agreement, and under an ended one until its SDR window closes: a running
session is never stranded.
Leaves behind: a numbered step, its body in an erasable row, a message to the home-CSP that is
carried at once and, where that fails, by a worker later; a newer plan takes the place of one that
still waits. A journal row.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import transaction

from roaming.domain.charge_plan import (
    ChargePlanUpdate,
    PlanUntaken,
    check_plan,
    check_reason,
    why_plan_untaken,
)
from roaming.domain.passing_on import as_sent
from roaming.hub_switch import Envelope, Verdict, send_now, write_verdict
from roaming.hub_switch.running_session import (
    REOPENED,
    check_running,
    check_sdr_window,
    check_service,
    names_of,
    reopen_if_closed_by_hand,
    route_of,
    session_of_sender,
)
from roaming.models import ChargePlan, Delivery, JournalEntry, PlanStep, Role, ServiceSession
from roaming.outbox import Parcel, enqueue_newest, platform_of

PATH = "uc3-10/charge-plan"
_LEASE_S = 30


@dataclass(frozen=True, slots=True)
class PlanReceipt:
    """What became of an update. `step` is the one in force where it changed nothing."""

    session: ServiceSession
    step: ChargePlan
    untaken: PlanUntaken | None
    acknowledged: bool


def update_charge_plan(
    envelope: Envelope, session_id: uuid.UUID, message: ChargePlanUpdate
) -> PlanReceipt:
    """Keeps the visited-CSO's newer plan and passes it on."""
    check_reason(message.reason)
    check_plan(message, envelope.now)
    parcel = None
    with transaction.atomic():
        session = session_of_sender(envelope, session_id, Role.CSO, lock=True)
        check_service(envelope, session)
        check_sdr_window(envelope, session)
        if reopen_if_closed_by_hand(session):
            session.save(update_fields=REOPENED)
        check_running(session)
        newest = ChargePlan.objects.in_force(session)
        untaken = why_plan_untaken(message.stamped_at, newest.stamped_at if newest else None)
        if untaken is None or newest is None:
            newest = _append(envelope, session, message)
            parcel = _parcel(envelope, session, newest)
        words = f"left aside: {untaken}" if untaken else ""
        verdict = Verdict(JournalEntry.Outcome.ACCEPTED, answer=words)
        write_verdict(envelope, route_of(session), verdict, session.id, session.evse.key)
    if parcel is not None and parcel.leased_until is not None:
        return PlanReceipt(session, newest, untaken, send_now(parcel))
    return PlanReceipt(session, newest, untaken, _acknowledged(session))


def _append(envelope: Envelope, session: ServiceSession, message: ChargePlanUpdate) -> ChargePlan:
    step = PlanStep(
        made_by=ChargePlan.MadeBy.VISITED_CSO,
        accepted=True,
        reason=message.reason,
        plan=envelope.body.decode(),
        stamped_at=message.stamped_at,
        received_at=envelope.now,
    )
    return ChargePlan.objects.append_to(session, step)


def _parcel(envelope: Envelope, session: ServiceSession, step: ChargePlan) -> Delivery | None:
    receiver = platform_of(session.home_csp, envelope.environment)
    if receiver is None:
        return None
    parcel = Parcel(
        receiver,
        envelope.use_case.code,
        PATH,
        f"plan:{session.id}",
        as_sent(envelope.body, {**names_of(session), "number": step.number}),
        envelope.correlation_id,
    )
    return enqueue_newest(parcel, _LEASE_S)


def _acknowledged(session: ServiceSession) -> bool:
    """Whether the home-CSP has taken the newest plan that was sent to it."""
    last = Delivery.objects.filter(object_key=f"plan:{session.id}", path=PATH)
    newest = last.order_by("-id").first()
    return newest is not None and newest.state == Delivery.State.DELIVERED
