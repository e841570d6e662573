"""Messages about a session that runs: whose it is, what governs it, and closings by hand.

A running session is governed by the agreement under which it opened, whatever became of it since.
"""

from __future__ import annotations

import uuid

from django.db.models import Q

from roaming.domain.agreement import SERVICE_NEEDED
from roaming.domain.command import CommandKind, CommandState
from roaming.domain.refusals import Refusal
from roaming.domain.reservation import ReservationState
from roaming.domain.session import RUNNING, SessionState, may_become
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.reservations import stands_as_no_show, undo_no_show
from roaming.hub_switch.route import Route, check_platform
from roaming.models import Reservation, Role, ServiceSession, SessionClosing

# The visited-CSO said that nothing comes of it. Whoever was merely not heard may have started:
# the id of the session is known only to who was asked.
_DENIED = [CommandState.REJECTED.value, CommandState.FAILED.value]
# Ends of a reservation that take its session along, though a start may have been under way.
_ENDED = [
    ReservationState.EXPIRED.value, ReservationState.CANCELLED.value,
    ReservationState.NO_SHOW.value,
]  # fmt: skip
# What a closing by hand or a no-show sets, and its reopening takes back.
REOPENED = (
    "state", "closed_by_hand_at", "started_at", "ended_at", "completed_at", "refusal_reason",
    "sdr_accounted_for",
)  # fmt: skip
_COLUMNS = {Role.CSO: "visited_cso", Role.CSP: "home_csp"}


def session_of_sender(
    envelope: Envelope, session_id: uuid.UUID, *roles: Role, lock: bool = False
) -> ServiceSession:
    """The session, if the sender holds its party in one of the roles. Refuses unknown_session.

    `lock`: for the rest of the transaction.
    """
    concerns = Q()
    for role in roles:
        column = _COLUMNS[role]
        concerns |= Q(
            **{
                f"{column}__held_by__platform": envelope.sender,
                f"{column}__held_by__environment": envelope.environment,
            }
        )
    rows = ServiceSession.objects.select_related(
        "visited_cso", "home_csp", "agreement", "pair", "evse"
    ).filter(concerns, id=session_id, environment=envelope.environment)
    # `first` would sort; one platform may hold both parties, and then finds the session twice.
    session = next(
        iter((rows.select_for_update(of=("self",), no_key=True) if lock else rows)[:1]), None
    )
    if session is None:
        raise Refusal("unknown_session", "No session of yours has this id.", "service_session_id")
    check_platform(envelope.sender, envelope.use_case)
    return session


def route_of(session: ServiceSession) -> Route:
    """The route of all about a session: its parties, and the agreement that it opened under."""
    return Route(session.visited_cso, session.home_csp, session.agreement, session.pair)


def names_of(session: ServiceSession) -> dict[str, object]:
    """Ids and parties of a session, for messages that are passed on; None where unknown."""
    return {
        "service_session_id": session.id,
        "visited_cso": session.visited_cso.identifier,
        "home_csp": session.home_csp.identifier,
        "cso_session_id": session.cso_session_id or None,
        "csp_session_id": session.csp_session_id or None,
    }


def place_of(session: ServiceSession) -> dict[str, object]:
    """Where a session takes place, for messages to the visited-CSO."""
    return {"evse_id": session.evse.evse_id, "connector_id": session.connector_id or None}


def check_service(envelope: Envelope, session: ServiceSession) -> None:
    """Refuses service_not_covered where the session's agreement lacks what the use case needs."""
    service = SERVICE_NEEDED.get(envelope.use_case)
    if service is not None and service.value not in session.agreement.services:
        raise Refusal("service_not_covered", f"The agreement does not cover '{service.label}'.")


def check_sdr_window(envelope: Envelope, session: ServiceSession) -> None:
    """Refuses sdr_window_closed where the session's agreement ended longer ago than its window.

    Not for stopping (UC3-4) and unlocking (UC5-2): nobody is kept at a station.
    """
    agreement = session.agreement
    if not agreement.is_still_settling(envelope.now):
        raise Refusal(
            "sdr_window_closed",
            f"The agreement ended on {agreement.validity.upper.isoformat()}; its sessions were "
            f"told of for {agreement.sdr_window_hours} hours more.",
        )


def check_running(session: ServiceSession) -> None:
    """Refuses session_state unless the user may charge, or does."""
    if SessionState(session.state) not in RUNNING:
        raise Refusal("session_state", f"The session is {session.state}, not running.")


def hold_reservation(session_id: uuid.UUID) -> Reservation | None:
    """The reservation that a session still is, or ended with; before its session, as everywhere.

    Held until the transaction ends.
    """
    rows = Reservation.objects.select_for_update(of=("self",), no_key=True)
    return rows.filter(session=session_id, state__in=[ReservationState.RESERVED, *_ENDED]).first()


def started_remotely(session: ServiceSession) -> bool:
    """Whether the home-CSP asked for the start (UC3-2) and the visited-CSO has not said no."""
    starts = session.commands.filter(kind=CommandKind.START.value)
    return starts.exclude(state__in=_DENIED).exists()


def may_charge(session: ServiceSession) -> bool:
    """Whether there may be something to stop: it runs, or may do so unheard.

    Unheard: a start whose result is missing, or staff closed the session for want of news. Nobody
    is kept at a station because the clearing house thinks that it is over.
    """
    stands = SessionState(session.state)
    if session.closed_by_hand_at is not None:
        stands = SessionState(_closing_of(session).from_state)
    if stands in RUNNING:
        return True
    if stands not in (SessionState.REQUESTED, SessionState.RESERVED):
        reservation = Reservation.objects.filter(session=session, state__in=_ENDED).first()
        if reservation is None or not _ended_with(session, reservation):
            return False
    starts = session.commands.filter(kind=CommandKind.START.value)
    return starts.exclude(state__in=[*_DENIED, CommandState.SUCCEEDED.value]).exists()


def _ended_with(session: ServiceSession, reservation: Reservation) -> bool:
    """Whether the end of its reservation is all that has ended the session."""
    if reservation.state == ReservationState.NO_SHOW:
        return stands_as_no_show(session, reservation)
    return reservation.state in _ENDED and session.state == SessionState.CANCELLED


def take_up_after_reservation(session: ServiceSession, reservation: Reservation | None) -> None:
    """Takes up a session that ended with its reservation while a start was under way.

    The start has worked all the same, as the news of the visited-CSO says. In memory: the use case
    that brings the news saves what becomes of it.
    """
    if reservation is None or not _ended_with(session, reservation):
        return
    if not started_remotely(session):
        return
    if reservation.state == ReservationState.NO_SHOW:
        undo_no_show(session)
    session.state, session.refusal_reason = SessionState.REQUESTED.value, ""


def reopen_if_closed_by_hand(session: ServiceSession) -> bool:
    """Takes up the state from before where staff closed the session and news comes all the same.

    Returns whether it did, in memory: the use case that brings the news saves what becomes of it.
    """
    if session.closed_by_hand_at is None:
        return False
    session.state, session.closed_by_hand_at = _closing_of(session).from_state, None
    session.started_at = session.ended_at = session.completed_at = None
    session.refusal_reason = ""
    return True


def _closing_of(session: ServiceSession) -> SessionClosing:
    """The newest closing by hand."""
    closing = session.closings.first()
    assert closing is not None, "whoever closes a session by hand leaves a row"
    return closing


def become(session: ServiceSession, following: SessionState) -> None:
    """Takes the session to a state. Refuses session_state where its life does not allow it."""
    if not may_become(SessionState(session.state), following):
        raise Refusal("session_state", f"The session is {session.state}.")
    session.state = following.value
