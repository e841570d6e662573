"""UC3-5, complete the service transaction (IEC 63119-2, 8.3): the visited-CSO closes the session.

Accepts: start, end and energy of a session that was authorised; the same again changes nothing.
Refuses: unknown_session, party_not_held, session_state, time_without_offset, invalid_field.
Passes under a suspended or ended agreement: a running session is never stranded.
Leaves behind: the completed session, a message to the home-CSP that is carried at once and, where
that fails, by a worker later; a journal row. An SDR is due now.
"""

from __future__ import annotations

import uuid

import msgspec
from django.db import transaction

from roaming.domain.completion import CompletionMessage
from roaming.domain.moments import check_moment
from roaming.domain.refusals import Refusal
from roaming.domain.sdr import usable_number
from roaming.domain.session import SessionState, may_become
from roaming.hub_switch import Envelope, Route, Verdict, held_party, send_now, write_verdict
from roaming.models import Delivery, JournalEntry, Role, ServiceSession
from roaming.outbox import Parcel, enqueue_leased, platform_of

PATH = "uc3-5/completion"
_LEASE_S = 30


class CompletionNotice(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the home-CSP receives: times as the CSO sent them."""

    service_session_id: uuid.UUID
    visited_cso: str
    home_csp: str
    cso_session_id: str | None = None
    csp_session_id: str | None = None
    start_date_time: str
    end_date_time: str
    total_energy: str


def complete_transaction(
    envelope: Envelope, session_id: uuid.UUID, message: CompletionMessage
) -> tuple[ServiceSession, bool]:
    """Completes the session; returns it, and whether the home-CSP has acknowledged already."""
    _check(message)
    with transaction.atomic():
        session = _lock_session(envelope, session_id)
        repeated = session.state == SessionState.COMPLETED.value
        if repeated:
            _check_repetition(session, message)
            parcel = None
        else:
            parcel = _complete(envelope, session, message)
        route = Route(session.visited_cso, session.home_csp, session.agreement, session.pair)
        write_verdict(
            envelope, route, Verdict(JournalEntry.Outcome.ACCEPTED), session.id, session.evse.key
        )
    if parcel is not None:
        return session, send_now(parcel)
    return session, _acknowledged(session)


def _check(message: CompletionMessage) -> None:
    for name in ("start_date_time", "end_date_time"):
        check_moment(getattr(message, name), name)
    if message.end_date_time < message.start_date_time:
        raise Refusal("invalid_field", "The end lies before the start.", "end_date_time")
    if not usable_number(message.total_energy) or not 0 <= message.total_energy < 1_000_000:
        raise Refusal("invalid_field", "Energy in kWh, 0 or more.", "total_energy")
    if len(message.cso_session_id or "") > 64:
        raise Refusal("invalid_field", "At most 64 characters.", "cso_session_id")


def _lock_session(envelope: Envelope, session_id: uuid.UUID) -> ServiceSession:
    session = (
        ServiceSession.objects.select_for_update(of=("self",))
        .select_related("visited_cso", "home_csp", "agreement", "pair", "evse")
        .filter(
            id=session_id,
            environment=envelope.environment,
            visited_cso__held_by__platform=envelope.sender,
            visited_cso__held_by__environment=envelope.environment,
        )
        .first()
    )
    if session is None:
        raise Refusal("unknown_session", "No session of yours has this id.", "service_session_id")
    held_party(envelope, session.visited_cso.identifier, Role.CSO)
    return session


def _check_repetition(session: ServiceSession, message: CompletionMessage) -> None:
    known = (session.started_at, session.ended_at, session.energy_kwh)
    if known != (message.start_date_time, message.end_date_time, message.total_energy):
        raise Refusal("session_state", "The session was completed with other values.")


def _complete(
    envelope: Envelope, session: ServiceSession, message: CompletionMessage
) -> Delivery | None:
    if not may_become(SessionState(session.state), SessionState.COMPLETED):
        raise Refusal("session_state", f"The session is {session.state}, not authorised.")
    session.state = SessionState.COMPLETED.value
    session.completed_at = envelope.now
    session.started_at, session.ended_at = message.start_date_time, message.end_date_time
    session.energy_kwh = message.total_energy
    if message.cso_session_id:
        session.cso_session_id = message.cso_session_id
    session.save()
    receiver = platform_of(session.home_csp, envelope.environment)
    if receiver is None:
        return None
    notice = CompletionNotice(
        service_session_id=session.id,
        visited_cso=session.visited_cso.identifier,
        home_csp=session.home_csp.identifier,
        cso_session_id=session.cso_session_id or None,
        csp_session_id=session.csp_session_id or None,
        start_date_time=message.start_date_time.isoformat(),
        end_date_time=message.end_date_time.isoformat(),
        total_energy=str(message.total_energy),
    )
    parcel = Parcel(
        receiver,
        envelope.use_case.code,
        PATH,
        f"session:{session.id}",
        msgspec.json.encode(notice).decode(),
        envelope.correlation_id,
    )
    return enqueue_leased(parcel, _LEASE_S)


def _acknowledged(session: ServiceSession) -> bool:
    return Delivery.objects.filter(
        object_key=f"session:{session.id}", path=PATH, state=Delivery.State.DELIVERED
    ).exists()
