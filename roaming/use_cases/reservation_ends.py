"""UC3-8, the ends of a reservation (IEC 63119-2, 8.3): a cancellation, or the visited-CSO's word.

Accepts: the home-CSP's cancellation, for which the visited-CSO is asked live and whose result ends
the reservation; the visited-CSO's word that it expired, that the user did not come, or that the
EVSE cannot be kept. The same again gets the same answer.
Refuses: unknown_reservation, reservation_state, request_in_progress, invalid_field; a cancellation
also receiver_not_connected, receiver_timed_out, receiver_refused, receiver_answered_rubbish.
Passes under a suspended or ended agreement: what runs may end.
Leaves behind: a cancellation's command with two journal rows; or the reservation's end with that of
its session (a no-show completes it, and its SDR is due), a notice to the home-CSP, a journal row.
"""

from __future__ import annotations

import uuid

import msgspec
from django.db import transaction

from roaming.domain.command import LONGEST_REASON, CommandKind, CommandState
from roaming.domain.moments import CLOCK_TOLERANCE
from roaming.domain.refusals import Refusal
from roaming.domain.reservation import ReservationEnd, ReservationState, reservation_may_become
from roaming.domain.wire_text import check_line
from roaming.hub_switch import Envelope, Verdict, send_now, write_verdict
from roaming.hub_switch.commands import CommandWish, carry_out, open_command
from roaming.hub_switch.reservations import (
    lock_reservation,
    outcome_parcels,
    take_reservation_to,
)
from roaming.hub_switch.running_session import route_of
from roaming.models import Command, JournalEntry, Reservation, Role
from roaming.outbox import enqueue_leased, has_arrived

_LEASE_S = 30
_UNDER_WAY = (CommandState.ASKED.value, CommandState.ACCEPTED.value)
CANCELLATION_PATH = "uc3-8/cancellation"


class CancelReservationCommand(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the visited-CSO receives. Its result goes to `commands/{command_id}/result`."""

    command_id: uuid.UUID
    reservation_id: uuid.UUID
    service_session_id: uuid.UUID
    visited_cso: str
    home_csp: str
    evse_id: str
    reference: str
    cso_reference: str | None = None
    requested_at: str


def cancel_reservation(envelope: Envelope, reservation_id: uuid.UUID) -> Command:
    """Asks the visited-CSO to let the EVSE go; its result ends the reservation."""
    with transaction.atomic():
        reservation = _lock_own(envelope, reservation_id, Role.CSP)
        route = route_of(reservation.session)
        earlier = _cancellation(reservation)
        if earlier is not None:
            write_verdict(
                envelope, route, Verdict.of_repetition(), reservation.session_id,
                reservation.evse.key,
            )  # fmt: skip
            return earlier
        command = open_command(
            envelope,
            route,
            CommandWish(
                kind=CommandKind.CANCEL_RESERVATION,
                evse=reservation.evse,
                connector_id=reservation.connector_id,
                session=reservation.session,
                reservation=reservation,
            ),
        )
    message = CancelReservationCommand(
        command_id=command.id,
        reservation_id=reservation.id,
        service_session_id=reservation.session_id,
        visited_cso=reservation.visited_cso.identifier,
        home_csp=reservation.home_csp.identifier,
        evse_id=reservation.evse.evse_id,
        reference=reservation.reference,
        cso_reference=reservation.cso_reference or None,
        requested_at=envelope.now.isoformat(),
    )
    return carry_out(envelope, route, command, CANCELLATION_PATH, message)


def _lock_own(envelope: Envelope, reservation_id: uuid.UUID, role: Role) -> Reservation:
    party = "home_csp" if role == Role.CSP else "visited_cso"
    mine = Reservation.objects.filter(
        **{f"{party}__held_by__platform": envelope.sender},
        id=reservation_id,
        environment=envelope.environment,
    )
    if not mine.exists():
        raise Refusal(
            "unknown_reservation", "You have no reservation with this id.", "reservation_id"
        )
    return lock_reservation(reservation_id)


def _cancellation(reservation: Reservation) -> Command | None:
    """The cancellation that is under way or has succeeded; None where it may be asked for."""
    newest = (
        reservation.commands.filter(kind=CommandKind.CANCEL_RESERVATION).order_by("-number").first()
    )
    if newest is not None:
        if newest.state == CommandState.ASKED:
            raise Refusal("request_in_progress", "The same is being asked.")
        if newest.state in (CommandState.ACCEPTED, CommandState.SUCCEEDED):
            return newest
    if reservation.state not in (ReservationState.REQUESTED, ReservationState.RESERVED):
        raise Refusal(
            "reservation_state", f"The reservation is {reservation.state.replace('_', ' ')}."
        )
    return None


def receive_outcome(
    envelope: Envelope, reservation_id: uuid.UUID, message: ReservationEnd
) -> tuple[Reservation, bool]:
    """Ends the reservation as its visited-CSO says; returns it, and whether the home-CSP knows."""
    check_line(message.reason, LONGEST_REASON, "reason")
    with transaction.atomic():
        reservation = _lock_own(envelope, reservation_id, Role.CSO)
        repeated = reservation.state == message.state
        if not repeated:
            _check_end(envelope, reservation, message.state)
            take_reservation_to(reservation, message.state, envelope.now, message.reason)
        parcels = outcome_parcels(
            [reservation],
            ["home_csp"],
            {reservation.id: envelope.correlation_id},
            envelope.body,
        )
        notices = [] if repeated else [enqueue_leased(parcel, _LEASE_S) for parcel in parcels]
        verdict = Verdict.of_repetition() if repeated else Verdict(JournalEntry.Outcome.ACCEPTED)
        write_verdict(
            envelope, route_of(reservation.session), verdict, reservation.session_id,
            reservation.evse.key,
        )  # fmt: skip
    if repeated:
        return reservation, has_arrived(f"reservation:{reservation.id}")
    told = [send_now(notice) for notice in notices if notice is not None]
    return reservation, any(told)


def _check_end(envelope: Envelope, reservation: Reservation, state: ReservationState) -> None:
    stands = ReservationState(reservation.state)
    if not reservation_may_become(stands, state) or stands is ReservationState.REQUESTED:
        raise Refusal("reservation_state", f"The reservation is {stands.value.replace('_', ' ')}.")
    starts = reservation.commands.filter(kind=CommandKind.START)
    if state is not ReservationState.CANCELLED and starts.filter(state__in=_UNDER_WAY).exists():
        # As for the clearing house's own clock: the user may have come at the last moment.
        raise Refusal("reservation_state", "A start of it is under way: report its result first.")
    if state is ReservationState.NO_SHOW and envelope.now < reservation.starts_at:
        raise Refusal("reservation_state", "The reservation has not begun.")
    if (
        state is ReservationState.EXPIRED
        and envelope.now < reservation.expires_at - CLOCK_TOLERANCE
    ):
        raise Refusal("reservation_state", "The reservation has not run out.")
