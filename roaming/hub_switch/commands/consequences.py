"""What an answer or a result means for the session and the reservation, by kind of command."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from roaming.domain.command import CommandKind, CommandState
from roaming.domain.reservation import ReservationState
from roaming.domain.session import SessionState, may_become
from roaming.hub_switch.reservations import lock_reservation, lock_session, take_reservation_to
from roaming.hub_switch.running_session import reopen_if_closed_by_hand
from roaming.models import Command
from roaming.waking import wake_after_commit


def draw_consequences(command: Command, now: datetime) -> None:
    """Of a command that was rejected, succeeded or failed; in the transaction that says so.

    What can no longer come about is left as it is: the command's own row tells what was reported.
    """
    _BY_KIND[CommandKind(command.kind)](command, now)


def note_never_asked(command: Command) -> None:
    """The receiver cannot have acted: a start is over. A reservation may be asked for again."""
    if command.kind == CommandKind.START and command.reservation_id is None:
        _refuse_start(command)


def _start(command: Command, now: datetime) -> None:
    if command.state == CommandState.SUCCEEDED:
        if command.reservation_id is not None:
            reservation = lock_reservation(command.reservation_id)
            take_reservation_to(reservation, ReservationState.FULFILLED, now)
        _authorise(command, now)
    elif command.reservation_id is None:
        _refuse_start(command)


def _authorise(command: Command, now: datetime) -> None:
    """The session of a start that succeeded; one that was seen charging before stays active."""
    session = lock_session(command.session_id)
    reopen_if_closed_by_hand(session)
    if may_become(SessionState(session.state), SessionState.AUTHORISED):
        session.state = SessionState.AUTHORISED.value
    charging = session.state in (SessionState.AUTHORISED, SessionState.ACTIVE)
    if charging and session.authorised_at is None:
        session.authorised, session.authorised_at = "COMMAND", now
    if command.cso_session_id:
        session.cso_session_id = command.cso_session_id
    session.save()
    wake_after_commit()  # its SDR may have come before this result


def _refuse_start(command: Command) -> None:
    session = lock_session(command.session_id)
    if session.state == SessionState.REQUESTED:
        session.state, session.refusal_reason = SessionState.REFUSED.value, command.reason
        session.save(update_fields=["state", "refusal_reason"])


def _reserve(command: Command, now: datetime) -> None:
    """A first request makes the reservation; a later one changes its window, or leaves it alone."""
    assert command.reservation_id is not None
    reservation = lock_reservation(command.reservation_id)
    newer = reservation.commands.filter(kind=command.kind, number__gt=command.number)
    if command.state != CommandState.SUCCEEDED:
        if reservation.state == ReservationState.REQUESTED and not newer.exists():
            take_reservation_to(reservation, ReservationState.REJECTED, now, command.reason)
        return
    take_reservation_to(reservation, ReservationState.RESERVED, now)
    running = reservation.state == ReservationState.RESERVED
    if running and not newer.filter(state=CommandState.SUCCEEDED).exists():
        assert command.starts_at is not None
        assert command.expires_at is not None
        reservation.starts_at, reservation.expires_at = command.starts_at, command.expires_at
        reservation.connector_id = command.connector_id
    if command.cso_reference:
        reservation.cso_reference = command.cso_reference
    reservation.save()


def _cancel_reservation(command: Command, now: datetime) -> None:
    assert command.reservation_id is not None
    if command.state == CommandState.SUCCEEDED:
        reservation = lock_reservation(command.reservation_id)
        take_reservation_to(reservation, ReservationState.CANCELLED, now, command.reason)


def _nothing(command: Command, now: datetime) -> None:
    """A stop ends with the completion (UC3-5); an unlocking changes no session."""


_BY_KIND: dict[CommandKind, Callable[[Command, datetime], None]] = {
    CommandKind.START: _start,
    CommandKind.STOP: _nothing,
    CommandKind.RESERVE: _reserve,
    CommandKind.CANCEL_RESERVATION: _cancel_reservation,
    CommandKind.UNLOCK: _nothing,
}
