"""UC3-5, complete the service transaction (IEC 63119-2, 8.3): the visited-CSO closes the session.

Accepts: start, end and energy of a session that was authorised, active or reserved; or that nothing
was provided, because the authorised user went away. The same again changes nothing. A remote start
whose result was lost has charged all the same, and is completed too, even where the reservation
that it was for has ended meanwhile.
Refuses: unknown_session, session_state, time_without_offset, invalid_field, sdr_window_closed.
Passes under a suspended agreement, and under an ended one until its SDR window closes: a running
session is never stranded.
Leaves behind: the session completed (an SDR is due now) or cancelled (none is), a message to the
home-CSP that is carried at once and, where that fails, by a worker later, in the place of charging
information that still waits; a journal row.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import transaction

from roaming.domain.completion import CompletionMessage, Provided, read_completion
from roaming.domain.passing_on import as_sent
from roaming.domain.refusals import Refusal
from roaming.domain.reservation import ReservationState
from roaming.domain.session import SessionState, completion_allowed
from roaming.hub_switch import Envelope, Verdict, send_now, write_verdict
from roaming.hub_switch.reservations import take_reservation_to
from roaming.hub_switch.running_session import (
    REOPENED,
    check_sdr_window,
    hold_reservation,
    names_of,
    reopen_if_closed_by_hand,
    route_of,
    session_of_sender,
    started_remotely,
    take_up_after_reservation,
)
from roaming.models import Delivery, JournalEntry, Reservation, Role, ServiceSession
from roaming.outbox import Parcel, enqueue_newest, platform_of, take_back
from roaming.waking import wake_after_commit

PATH = "uc3-5/completion"
_LEASE_S = 30
_KEPT = (
    *REOPENED, "authorised", "authorised_at", "energy_kwh", "cso_session_id", "updated_at",
    "power_kw", "cost_so_far", "cost_currency",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Completion:
    """The session as it stands now, and whether the home-CSP has acknowledged already."""

    session: ServiceSession
    acknowledged: bool

    @property
    def sdr_due(self) -> bool:
        """Whether the visited-CSO owes an SDR for it."""
        return self.session.state == SessionState.COMPLETED.value


def complete_transaction(
    envelope: Envelope, session_id: uuid.UUID, message: CompletionMessage
) -> Completion:
    """Completes the session, or cancels it where nothing was provided."""
    provided = read_completion(message)
    with transaction.atomic():
        reservation = hold_reservation(session_id)
        session = session_of_sender(envelope, session_id, Role.CSO, lock=True)
        reopen_if_closed_by_hand(session)
        if provided is not None and not _tells_of_a_no_show(reservation, provided):
            take_up_after_reservation(session, reservation)
        parcel = None
        if not _repeats(session, provided):
            check_sdr_window(envelope, session)
            _end(envelope, session, message, provided)
            parcel = _parcel(envelope, session)
            if reservation is not None:
                take_reservation_to(reservation, _what_became_of_it(session), envelope.now)
        verdict = Verdict(JournalEntry.Outcome.ACCEPTED)
        write_verdict(envelope, route_of(session), verdict, session.id, session.evse.key)
    if parcel is not None and parcel.leased_until is not None:
        return Completion(session, send_now(parcel))
    return Completion(session, _acknowledged(session))


def _tells_of_a_no_show(reservation: Reservation | None, provided: Provided) -> bool:
    """The end of a reservation of which nobody came, and no news of a start that has worked."""
    no_show = reservation is not None and reservation.state == ReservationState.NO_SHOW
    return no_show and not provided.total_energy


def _what_became_of_it(session: ServiceSession) -> ReservationState:
    """Of a reservation whose session was completed: the user came, or there is only its no-show."""
    came = bool(session.energy_kwh) or started_remotely(session)
    return ReservationState.FULFILLED if came else ReservationState.NO_SHOW


def _repeats(session: ServiceSession, provided: Provided | None) -> bool:
    """Whether the session has ended just so. Refuses session_state where it ended otherwise."""
    if provided is None:
        return session.state == SessionState.CANCELLED.value
    if session.state != SessionState.COMPLETED.value:
        return False
    known = (session.started_at, session.ended_at, session.energy_kwh)
    if known != (provided.start_date_time, provided.end_date_time, provided.total_energy):
        raise Refusal("session_state", "The session was completed with other values.")
    return True


def _end(
    envelope: Envelope,
    session: ServiceSession,
    message: CompletionMessage,
    provided: Provided | None,
) -> None:
    before = SessionState(session.state)
    if provided is None:
        _check_nothing_provided(session)
        session.state = SessionState.CANCELLED.value
        session.refusal_reason = message.reason or "nothing_provided"
    else:
        if not completion_allowed(before, started_remotely=started_remotely(session)):
            raise Refusal("session_state", f"The session is {before.value}.")
        session.state = SessionState.COMPLETED.value
        session.started_at, session.ended_at = provided.start_date_time, provided.end_date_time
        session.energy_kwh = provided.total_energy
        if before is SessionState.REQUESTED:
            session.authorised = session.authorised or "COMMAND"
            session.authorised_at = session.authorised_at or envelope.now
    session.completed_at = envelope.now
    session.cso_session_id = message.cso_session_id or session.cso_session_id
    # What was live ends with the session; each report has a row of its own.
    session.updated_at = session.power_kw = session.cost_so_far = None
    session.cost_currency = ""
    session.save(update_fields=_KEPT)
    wake_after_commit()


def _check_nothing_provided(session: ServiceSession) -> None:
    """Only where the user may charge and nothing was reported; a reservation ends by UC3-8."""
    state = SessionState(session.state)
    if state is SessionState.AUTHORISED:
        return
    if state is SessionState.REQUESTED and started_remotely(session):
        return
    if state is SessionState.ACTIVE:
        detail = "Charging information came: complete the session with what was provided."
    else:
        detail = f"The session is {state.value}."
    raise Refusal("session_state", detail)


def _parcel(envelope: Envelope, session: ServiceSession) -> Delivery | None:
    receiver = platform_of(session.home_csp, envelope.environment)
    if receiver is None:
        return None
    # How it stood on the way is no news once the end is known.
    take_back([(receiver.pk, f"charging:{session.id}")])
    ours = {**names_of(session), "closed_by_clearing_house": None}
    parcel = Parcel(
        receiver,
        envelope.use_case.code,
        PATH,
        f"session:{session.id}",
        as_sent(envelope.body, ours),
        envelope.correlation_id,
    )
    return enqueue_newest(parcel, _LEASE_S)


def _acknowledged(session: ServiceSession) -> bool:
    told = Delivery.objects.filter(object_key=f"session:{session.id}", path=PATH)
    last = told.order_by("-id").first()
    return last is not None and last.state == Delivery.State.DELIVERED
