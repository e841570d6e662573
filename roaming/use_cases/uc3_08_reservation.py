"""UC3-8, reservation of an EVSE (IEC 63119-2, 8.3): asked for by the home-CSP, for its user.

Accepts: an EVSE, a window, the user's identification, the home-CSP's own reference. The visited-CSO
is asked live; whether the EVSE is held follows as a result. The same wish again gets the same
answer, or is asked again where the visited-CSO was not reached. With `change` the window is asked
for anew; the old one holds until the result.
Refuses: party_not_held, platform_suspended, invalid_field, invalid_identifier, time_without_offset,
unknown_evse, contract_of_other_csp, unknown_reservation, reservation_state, request_in_progress,
duplicate_with_other_content, no_agreement and its kin, receiver_not_connected, receiver_timed_out,
receiver_refused, receiver_answered_rubbish. Whether reservations of one EVSE overlap is the
visited-CSO's to judge.
Leaves behind: a session that opens with the reservation and follows it, its personal data in an
erasable row, the reservation, a command for each question, two journal rows for each.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction

from roaming.domain.command import CommandKind, CommandState
from roaming.domain.decision import IdentificationQuestion
from roaming.domain.moments import CLOCK_TOLERANCE, check_moment
from roaming.domain.refusals import Refusal
from roaming.domain.reservation import ReservationState, ReservationWish
from roaming.domain.sdr import IdentificationPart
from roaming.domain.secrets import fingerprint
from roaming.domain.uuid7 import uuid7_at
from roaming.domain.wire_text import check_line
from roaming.hub_switch import Envelope, Route, Verdict, find_route, held_party, write_verdict
from roaming.hub_switch.commands import (
    CommandWish,
    SessionDraft,
    carry_out,
    open_command,
    open_session,
)
from roaming.hub_switch.deciding import Presented, check_contract, read_identification
from roaming.hub_switch.places import find_evse
from roaming.hub_switch.reservations import lock_reservation
from roaming.hub_switch.running_session import route_of
from roaming.models import Command, Evse, OperatorIdentifier, Reservation, Role

PATH = "uc3-8/reservation"
_LONGEST = {
    "reference": 64, "connector_id": 36, "authorization_reference": 36, "csp_session_id": 64
}  # fmt: skip


class ReserveCommand(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the visited-CSO receives. Its result goes to `commands/{command_id}/result`.

    With `change` it replaces the window of the reservation that it holds under `reservation_id`.
    """

    command_id: uuid.UUID
    reservation_id: uuid.UUID
    service_session_id: uuid.UUID
    visited_cso: str
    home_csp: str
    evse_id: str
    connector_id: str | None = None
    reference: str
    cso_reference: str | None = None
    identification: IdentificationPart
    authorization_reference: str | None = None
    csp_session_id: str | None = None
    starts_at: str
    expires_at: str
    change: bool = False
    requested_at: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """A wish, checked: whose it is, of whom, where, for whom."""

    wish: ReservationWish
    home_csp: OperatorIdentifier
    visited_cso: OperatorIdentifier
    evse: Evse
    presented: Presented
    content_hmac: bytes


def reserve_evse(envelope: Envelope, wish: ReservationWish) -> Command:
    """Asks for a reservation, or for a change of one; returns the command as it was taken."""
    asked = _check(envelope, wish)
    answered = _answer_again(envelope, asked)
    if answered is not None:
        return answered
    route = find_route(envelope, asked.visited_cso, asked.home_csp)
    try:
        command = _open(envelope, route, asked)
    except IntegrityError:
        if _find(asked, envelope.environment) is None:
            raise
        command = None  # the same reference at the same moment: the other one was faster
    if command is None:
        answered = _answer_again(envelope, asked)
        if answered is None:
            raise Refusal("request_in_progress", "The same is being asked.", "reference")
        return answered
    return carry_out(envelope, route, command, PATH, _message(envelope, command, asked))


def _check(envelope: Envelope, wish: ReservationWish) -> _Asked:
    home_csp = held_party(envelope, wish.home_csp, Role.CSP)
    if not wish.reference.strip():
        raise Refusal("invalid_field", "A reservation needs a reference of yours.", "reference")
    for name, longest in _LONGEST.items():
        check_line(getattr(wish, name), longest, name)
    check_moment(wish.expires_at, "expires_at")
    if wish.starts_at is not None:
        check_moment(wish.starts_at, "starts_at")
    presented = read_identification(
        IdentificationQuestion(visited_cso="", identification=wish.identification)
    )
    check_contract(home_csp, presented.contract_id)
    evse, visited_cso = find_evse(envelope, wish.evse_id)
    content = fingerprint(settings.HMAC_KEY, "reservation", msgspec.json.encode(wish).decode())
    return _Asked(wish, home_csp, visited_cso, evse, presented, content)


def _find(asked: _Asked, environment: str) -> Reservation | None:
    return (
        Reservation.objects.select_related("session", "evse")
        .filter(environment=environment, home_csp=asked.home_csp, reference=asked.wish.reference)
        .first()
    )


def _answer_again(envelope: Envelope, asked: _Asked) -> Command | None:
    """The command of the same wish before, where its answer is known; None where to ask.

    Refuses the same reference with other content, and what is being asked at this moment.
    """
    reservation = _find(asked, envelope.environment)
    same = _same_before(reservation, asked) if reservation is not None else None
    if reservation is None or same is None:
        return None
    write_verdict(
        envelope, route_of(reservation.session), Verdict.of_repetition(),
        reservation.session_id, reservation.evse.key,
    )  # fmt: skip
    return same


def _same_before(reservation: Reservation, asked: _Asked) -> Command | None:
    earlier = list(reservation.commands.filter(kind=CommandKind.RESERVE).order_by("-number"))
    if asked.wish.change:
        earlier = earlier[:1]  # what was changed twice may be changed back
    same = next((c for c in earlier if bytes(c.content_hmac or b"") == asked.content_hmac), None)
    if same is None:
        if not asked.wish.change:
            raise Refusal(
                "duplicate_with_other_content",
                "The reference is known with other content; send `change` to change it.",
                "reference",
            )
        return None
    if same.state == CommandState.ASKED:
        raise Refusal("request_in_progress", "The same is being asked.", "reference")
    return None if same.state == CommandState.NOT_REACHED else same


def _open(envelope: Envelope, route: Route, asked: _Asked) -> Command | None:
    """The command, opened; None where the same was asked since we looked."""
    wish = asked.wish
    with transaction.atomic():
        reservation = _find(asked, envelope.environment)
        if reservation is not None:
            reservation = lock_reservation(reservation.id)
            if _same_before(reservation, asked) is not None:
                return None
            _check_again(envelope, reservation, asked)
            starts_at = wish.starts_at or reservation.starts_at
            _check_window(envelope, starts_at, wish.expires_at)
        elif wish.change:
            raise Refusal("unknown_reservation", "Nothing to change.", "reference")
        else:
            starts_at = wish.starts_at or envelope.now
            _check_window(envelope, starts_at, wish.expires_at)
            if starts_at < envelope.now - CLOCK_TOLERANCE:
                raise Refusal("invalid_field", "The start lies in the past.", "starts_at")
            reservation = _open_reservation(envelope, route, asked, starts_at)
        return open_command(
            envelope,
            route,
            CommandWish(
                kind=CommandKind.RESERVE,
                evse=asked.evse,
                connector_id=wish.connector_id or "",
                session=reservation.session,
                reservation=reservation,
                starts_at=starts_at,
                expires_at=wish.expires_at,
                content_hmac=asked.content_hmac,
            ),
        )


def _check_window(envelope: Envelope, starts_at: datetime, expires_at: datetime) -> None:
    if expires_at <= max(starts_at, envelope.now):
        raise Refusal("invalid_field", "It must end after it begins, and after now.", "expires_at")


def _check_again(envelope: Envelope, reservation: Reservation, asked: _Asked) -> None:
    """Refuses a change where none is possible, or of what must stay as it is."""
    wish, session = asked.wish, reservation.session
    open_states = (ReservationState.REQUESTED, ReservationState.RESERVED)
    over = reservation.state not in open_states or reservation.expires_at <= envelope.now
    if over:
        raise Refusal("reservation_state", "The reservation is over.")
    if reservation.visited_cso_id != asked.visited_cso.pk:
        raise Refusal("reservation_state", "The EVSE has been sold; reserve it anew.")
    newest = reservation.commands.order_by("-number").first()
    if newest is not None and CommandState(newest.state).is_under_way:
        raise Refusal("reservation_state", "Wait for the result of the last request.")
    stays = {
        "evse_id": reservation.evse_id == asked.evse.pk,
        "identification": bytes(session.token_hmac) == asked.presented.token_hmac,
        "authorization_reference": wish.authorization_reference
        in (None, session.authorization_reference),
        "csp_session_id": wish.csp_session_id in (None, session.csp_session_id),
    }
    for name, same in stays.items():
        if not same:
            raise Refusal("duplicate_with_other_content", "A change leaves this alone.", name)


def _open_reservation(
    envelope: Envelope, route: Route, asked: _Asked, starts_at: datetime
) -> Reservation:
    wish = asked.wish
    draft = SessionDraft(
        evse=asked.evse,
        presented=asked.presented,
        connector_id=wish.connector_id,
        authorization_reference=wish.authorization_reference,
        csp_session_id=wish.csp_session_id,
    )
    return Reservation.objects.create(
        id=uuid7_at(envelope.now),
        environment=envelope.environment,
        session=open_session(envelope, route, draft),
        home_csp=asked.home_csp,
        visited_cso=asked.visited_cso,
        evse=asked.evse,
        connector_id=wish.connector_id or "",
        reference=wish.reference,
        state=ReservationState.REQUESTED.value,
        starts_at=starts_at,
        expires_at=wish.expires_at,
        requested_at=envelope.now,
    )


def _message(envelope: Envelope, command: Command, asked: _Asked) -> ReserveCommand:
    wish, reservation = asked.wish, command.reservation
    assert reservation is not None
    assert command.starts_at is not None
    return ReserveCommand(
        command_id=command.id,
        reservation_id=reservation.id,
        service_session_id=reservation.session_id,
        visited_cso=command.visited_cso.identifier,
        home_csp=command.home_csp.identifier,
        evse_id=wish.evse_id,
        connector_id=wish.connector_id,
        reference=wish.reference,
        cso_reference=reservation.cso_reference or None,
        identification=wish.identification,
        authorization_reference=wish.authorization_reference,
        csp_session_id=wish.csp_session_id,
        starts_at=command.starts_at.isoformat(),
        expires_at=wish.expires_at.isoformat(),
        change=wish.change,
        requested_at=envelope.now.isoformat(),
    )
