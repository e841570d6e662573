"""UC3-2, start remotely from the home-CSP (IEC 63119-2, 8.3): an app asks, the charging starts.

Accepts: an EVSE, the identification that the home-CSP has authorised itself, its own references; a
`reservation_id` where the user had reserved, whose session then goes on. The visited-CSO is asked
live whether it takes the command; what came of it follows as a result. The same wish with the same
`csp_session_id` again gets the same answer while its start may still come about.
Refuses: party_not_held, platform_suspended, invalid_field, invalid_identifier, unknown_evse,
contract_of_other_csp, unknown_reservation, reservation_state, request_in_progress, no_agreement and
its kin, receiver_not_connected, receiver_timed_out, receiver_refused, receiver_answered_rubbish.
Leaves behind: a session (requested; authorised by the result, refused where the CSO rejects or the
start fails), its personal data in an erasable row, a command, two journal rows. Where no result
comes in time the session stays requested: a late result, or UC3-6, decides.
"""

from __future__ import annotations

import uuid

import msgspec
from django.conf import settings
from django.db import connection, transaction

from roaming.domain.command import CommandKind, CommandState
from roaming.domain.decision import IdentificationQuestion
from roaming.domain.refusals import Refusal
from roaming.domain.reservation import ReservationState
from roaming.domain.sdr import IdentificationPart
from roaming.domain.secrets import fingerprint
from roaming.domain.session import SessionState
from roaming.domain.wire_text import check_line
from roaming.hub_switch import Envelope, Route, Verdict, find_route, held_party, write_verdict
from roaming.hub_switch.commands import (
    CommandWish,
    SessionDraft,
    carry_out,
    open_command,
    open_session,
    recall_command,
)
from roaming.hub_switch.deciding import Presented, check_contract, read_identification
from roaming.hub_switch.places import find_evse
from roaming.models import Command, Evse, Reservation, Role

PATH = "uc3-2/remote-start"


class RemoteStartWish(msgspec.Struct, kw_only=True, frozen=True):
    """UC3-2 as the home-CSP sends it. The identification is one that it has authorised itself."""

    home_csp: str
    evse_id: str
    identification: IdentificationPart
    connector_id: str | None = None
    authorization_reference: str | None = None
    csp_session_id: str | None = None
    reservation_id: uuid.UUID | None = None


class RemoteStartCommand(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the visited-CSO receives. Its result goes to `commands/{command_id}/result`.

    The home-CSP has authorised the user: nobody asks it about the identification again, and the SDR
    says `authorised` COMMAND.
    """

    command_id: uuid.UUID
    service_session_id: uuid.UUID
    visited_cso: str
    home_csp: str
    evse_id: str
    connector_id: str | None = None
    identification: IdentificationPart
    authorization_reference: str | None = None
    csp_session_id: str | None = None
    reservation_id: uuid.UUID | None = None
    reservation_reference: str | None = None
    cso_reference: str | None = None
    requested_at: str


_LONGEST = {"connector_id": 36, "authorization_reference": 36, "csp_session_id": 64}


def start_remotely(envelope: Envelope, wish: RemoteStartWish) -> Command:
    """Opens a session, or goes on with a reservation's; returns the command as the CSO took it."""
    home_csp = held_party(envelope, wish.home_csp, Role.CSP)
    for name, longest in _LONGEST.items():
        check_line(getattr(wish, name), longest, name)
    presented = read_identification(
        IdentificationQuestion(visited_cso="", identification=wish.identification)
    )
    check_contract(home_csp, presented.contract_id)
    evse, visited_cso = find_evse(envelope, wish.evse_id)
    route = find_route(envelope, visited_cso, home_csp)
    known = recall_command(envelope)
    if known is not None:
        return known
    content_hmac = _identity(envelope, wish)
    with transaction.atomic():
        earlier = _asked_before(content_hmac) if content_hmac else None
        if earlier is not None:
            place = earlier.evse.key if earlier.evse else ""
            write_verdict(envelope, route, Verdict.of_repetition(), earlier.session_id, place)
            return earlier
        reservation = _hold_reservation(envelope, wish, route, (evse, presented))
        if reservation is None:
            draft = SessionDraft(
                evse=evse,
                presented=presented,
                connector_id=wish.connector_id,
                authorization_reference=wish.authorization_reference,
                csp_session_id=wish.csp_session_id,
                authorised="COMMAND",
            )
            session = open_session(envelope, route, draft)
        else:
            session = reservation.session
        command = open_command(
            envelope,
            route,
            CommandWish(
                kind=CommandKind.START,
                evse=evse,
                connector_id=wish.connector_id or "",
                session=session,
                reservation=reservation,
                content_hmac=content_hmac,
            ),
        )
    return carry_out(envelope, route, command, PATH, _message(envelope, command, wish))


def _identity(envelope: Envelope, wish: RemoteStartWish) -> bytes | None:
    """By what the same wish is known again; None where the home-CSP gave its session no id."""
    if not wish.csp_session_id:
        return None
    content = msgspec.json.encode(wish).decode()
    return fingerprint(settings.HMAC_KEY, "remote start", envelope.environment, content)


def _asked_before(content_hmac: bytes) -> Command | None:
    """The command of the same wish, if what it started, or may still start, is not over.

    Two at once take turns here: the second finds what the first has left.
    """
    with connection.cursor() as cursor:
        number = int.from_bytes(content_hmac[:8], signed=True)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
    states = [CommandState.ASKED, CommandState.ACCEPTED, CommandState.SUCCEEDED]
    earlier = (
        Command.objects.filter(
            content_hmac=content_hmac, kind=CommandKind.START,
            state__in=[*states, CommandState.TIMED_OUT],
        )
        .exclude(session__state__in=[state for state in SessionState if state.is_over])
        .select_related("evse")
        .order_by("-asked_at", "-number")
        .first()
    )  # fmt: skip
    if earlier is not None and earlier.state == CommandState.ASKED:
        raise Refusal("request_in_progress", "The same is being asked.", "csp_session_id")
    return earlier


def _hold_reservation(
    envelope: Envelope,
    wish: RemoteStartWish,
    route: Route,
    place_and_user: tuple[Evse, Presented],
) -> Reservation | None:
    """The named reservation, locked, if it holds this EVSE for this user now."""
    if wish.reservation_id is None:
        return None
    evse, presented = place_and_user
    home_csp = route.home_csp
    reservation = (
        Reservation.objects.select_for_update(of=("self",), no_key=True)
        .select_related("session")
        .filter(id=wish.reservation_id, environment=envelope.environment, home_csp=home_csp)
        .first()
    )
    if reservation is None:
        raise Refusal(
            "unknown_reservation", f"{home_csp} has no such reservation.", "reservation_id"
        )
    if reservation.evse_id != evse.pk:
        raise Refusal("invalid_field", f"It is for {reservation.evse.evse_id}.", "evse_id")
    if route.visited_cso is None or reservation.visited_cso_id != route.visited_cso.pk:
        raise Refusal("reservation_state", "The EVSE has been sold; reserve it anew.")
    if bytes(reservation.session.token_hmac) != presented.token_hmac:
        raise Refusal(
            "invalid_field", "The reservation was made with another one.", "identification"
        )
    if reservation.state != ReservationState.RESERVED or reservation.expires_at <= envelope.now:
        stands = reservation.state
        if stands == ReservationState.RESERVED:
            stands = ReservationState.EXPIRED.value  # the sweep has not come by yet
        raise Refusal("reservation_state", f"The reservation is {stands.replace('_', ' ')}.")
    return reservation


def _message(envelope: Envelope, command: Command, wish: RemoteStartWish) -> RemoteStartCommand:
    session, reservation = command.session, command.reservation
    assert session is not None
    return RemoteStartCommand(
        command_id=command.id,
        service_session_id=session.id,
        visited_cso=command.visited_cso.identifier,
        home_csp=command.home_csp.identifier,
        evse_id=wish.evse_id,
        connector_id=wish.connector_id,
        identification=wish.identification,
        authorization_reference=wish.authorization_reference,
        csp_session_id=wish.csp_session_id,
        reservation_id=reservation.id if reservation else None,
        reservation_reference=reservation.reference if reservation else None,
        cso_reference=(reservation.cso_reference or None) if reservation else None,
        requested_at=envelope.now.isoformat(),
    )
