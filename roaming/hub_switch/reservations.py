"""Reservations as the switch keeps them (UC3-8): found at a start, followed by their session, ended
by the clock."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from roaming.domain.passing_on import passed_on
from roaming.domain.refusals import Refusal
from roaming.domain.reservation import (
    SESSION_FOLLOWS,
    ReservationOutcomeNotice,
    ReservationState,
    reservation_may_become,
)
from roaming.domain.session import SessionState
from roaming.models import (
    Evse,
    OperatorIdentifier,
    PlatformIdentifier,
    Reservation,
    ServiceSession,
)
from roaming.outbox import Parcel, enqueue

USE_CASE, OUTCOME_PATH = "UC3-8", "uc3-8/outcome"
BATCH = 500
IS_RESERVED = Exists(
    Reservation.objects.filter(evse=OuterRef("pk"), state=ReservationState.RESERVED.value)
)


def lock_reservation(reservation_id: uuid.UUID) -> Reservation:
    """The reservation as it stands now, held until the transaction ends; before its session."""
    return (
        Reservation.objects.select_for_update(of=("self",), no_key=True)
        .select_related(
            "session__agreement", "session__pair", "session__home_csp", "session__visited_cso",
            "evse", "home_csp", "visited_cso__operator",
        )
        .get(id=reservation_id)
    )  # fmt: skip


def lock_session(session_id: uuid.UUID | None) -> ServiceSession:
    """The session as it stands now, held until the transaction ends; after its reservation."""
    assert session_id is not None
    return ServiceSession.objects.select_for_update(no_key=True).get(id=session_id)


def find_reservation(
    evse: Evse,
    visited_cso: OperatorIdentifier,
    token_hmac: bytes,
    now: datetime,
    home_csp: OperatorIdentifier | None = None,
) -> Reservation | None:
    """The reservation that holds this EVSE now for this identification, with its session.

    Only one that `visited_cso` gave: who has bought the EVSE since knows nothing of it, and could
    report nothing about its session. `home_csp`: only one of this home-CSP. An EVSE that was read
    with `is_reserved` and is not costs no query: most starts are of nobody who reserved.
    """
    if not getattr(evse, "is_reserved", True):
        return None
    held = Reservation.objects.filter(
        evse=evse,
        visited_cso=visited_cso,
        state=ReservationState.RESERVED,
        starts_at__lte=now,
        expires_at__gt=now,
        session__token_hmac=token_hmac,
    )
    if home_csp is not None:
        held = held.filter(home_csp=home_csp)
    return (
        held.select_related(
            "home_csp", "session__visited_cso", "session__home_csp", "session__evse",
            "session__agreement",
        )
        .order_by("starts_at", "id")
        .first()
    )  # fmt: skip


def fulfil_reservation(reservation_id: uuid.UUID, now: datetime) -> None:
    """The user came and may charge: the reservation is fulfilled, in the caller's transaction.

    The caller authorises the session, which goes on and is held from here. Refuses
    reservation_state: it was cancelled or ran out while the home-CSP was being asked.
    """
    reservation = lock_reservation(reservation_id)
    session = lock_session(reservation.session_id)
    if (reservation.state, session.state) != (ReservationState.RESERVED, SessionState.RESERVED):
        stands = reservation.state.replace("_", " ")
        raise Refusal("reservation_state", f"The reservation is {stands}. Ask again without it.")
    reservation.state, reservation.ended_at = ReservationState.FULFILLED.value, now
    reservation.save(update_fields=["state", "ended_at"])


def take_reservation_to(
    reservation: Reservation, state: ReservationState, now: datetime, reason: str = ""
) -> bool:
    """Takes a locked reservation, its session after it, to `state`; False: it cannot go there.

    A session that has gone its own way meanwhile is left alone.
    """
    before = ReservationState(reservation.state)
    if not reservation_may_become(before, state):
        return False
    reservation.state, reservation.reason = state.value, reason
    if state is not ReservationState.RESERVED:
        reservation.ended_at = now
    reservation.save()
    session = lock_session(reservation.session_id)
    if session.state != SESSION_FOLLOWS[before]:
        return True
    if before is ReservationState.NO_SHOW:
        if not stands_as_no_show(session, reservation):
            return True
        undo_no_show(session)
    session.state = SESSION_FOLLOWS[state].value
    if session.state == SessionState.REFUSED:
        session.refusal_reason = reason
    elif session.state == SessionState.COMPLETED:
        # A no-show: the session was the reservation and nothing else.
        session.completed_at, session.energy_kwh = now, 0
        session.started_at, session.ended_at = reservation.starts_at, reservation.expires_at
    session.save()
    return True


def stands_as_no_show(session: ServiceSession, reservation: Reservation) -> bool:
    """Whether the session was completed as a no-show, with nothing provided, and stands so."""
    came_to = (session.state, session.started_at, session.ended_at, session.energy_kwh)
    return came_to == (SessionState.COMPLETED, reservation.starts_at, reservation.expires_at, 0)


def undo_no_show(session: ServiceSession) -> None:
    """Takes back, in memory, what a no-show left on the session: the user has come all the same.

    The caller says what it is instead. An SDR is due of that, whatever came for the no-show.
    """
    session.started_at = session.ended_at = session.completed_at = session.energy_kwh = None
    session.sdr_accounted_for = False


def outcome_parcels(
    reservations: Sequence[Reservation],
    to: Sequence[Literal["home_csp", "visited_cso"]],
    correlation_ids: Mapping[uuid.UUID, str],
    sent: bytes = b"",
) -> Iterator[Parcel]:
    """The notices of reservations that ended, for the platforms that speak for these parties.

    `sent`: the outcome as the visited-CSO sent it; what it says beyond our vocabulary goes along.
    """
    parties = {getattr(row, f"{party}_id") for row in reservations for party in to}
    held = PlatformIdentifier.objects.filter(identifier__in=parties).select_related("platform")
    speakers = {(row.identifier_id, row.environment): row.platform for row in held}
    for row in reservations:
        body = passed_on(_notice(row), sent).decode()
        for party in to:
            identifier: OperatorIdentifier = getattr(row, party)
            platform = speakers.get((identifier.pk, row.environment))
            if platform is not None:
                yield Parcel(
                    platform, USE_CASE, OUTCOME_PATH, f"reservation:{row.id}", body,
                    correlation_ids[row.id],
                )  # fmt: skip


_OUTCOMES: dict[str, Literal["EXPIRED", "NO_SHOW", "CANCELLED"]] = {
    ReservationState.EXPIRED.value: "EXPIRED",
    ReservationState.NO_SHOW.value: "NO_SHOW",
    ReservationState.CANCELLED.value: "CANCELLED",
}


def _notice(reservation: Reservation) -> ReservationOutcomeNotice:
    assert reservation.ended_at is not None
    return ReservationOutcomeNotice(
        reservation_id=str(reservation.id),
        service_session_id=str(reservation.session_id),
        reference=reservation.reference,
        cso_reference=reservation.cso_reference or None,
        outcome=_OUTCOMES[reservation.state],
        reason=reservation.reason,
        visited_cso=reservation.visited_cso.identifier,
        home_csp=reservation.home_csp.identifier,
        evse_id=reservation.evse.evse_id,
        at=reservation.ended_at.isoformat(),
    )


# While the visited-CSO is being asked for something about it, a reservation does not run out: the
# user may be starting, or staying away a little longer. That ends with the command's own time-out.
# Looked at again once the rows are held: whoever asks holds the reservation while it begins to.
_AT_REST = """
    NOT EXISTS (
        SELECT FROM roaming_command command
        WHERE command.reservation_id = reservation.id AND command.state IN ('asked', 'accepted'))
"""
_HOLD = f"""
SELECT id FROM roaming_reservation reservation
WHERE state IN ('requested', 'reserved') AND expires_at <= %(now)s AND {_AT_REST}
ORDER BY expires_at LIMIT %(batch)s FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608  constants of this module
_EXPIRE = f"""
WITH due AS (
    SELECT id, session_id, state AS was FROM roaming_reservation reservation
    WHERE id = ANY (%(held)s) AND {_AT_REST}
), expired AS (
    UPDATE roaming_reservation reservation SET state = 'expired', ended_at = %(now)s
    FROM due WHERE reservation.id = due.id
), followed AS (
    UPDATE roaming_servicesession session SET state = 'cancelled'
    FROM due WHERE session.id = due.session_id AND session.state IN ('requested', 'reserved')
)
SELECT due.id, due.was, (
    SELECT correlation_id FROM roaming_command command
    WHERE command.reservation_id = due.id ORDER BY command.number LIMIT 1)
FROM due
"""  # noqa: S608  constants of this module


def expire_reservations(now: datetime) -> int:
    """Ends one batch of reservations whose time has run out, and tells both; returns how many.

    `now` is business time, in which a reservation's window is said. A visited-CSO that never said
    yes is not told.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_HOLD, {"now": now, "batch": BATCH})
            held = [row[0] for row in cursor.fetchall()]
            if not held:
                return 0
            cursor.execute(_EXPIRE, {"now": now, "held": held})
            due = cursor.fetchall()
        _tell_of_expiry(due)
    return len(held)


def _tell_of_expiry(due: Sequence[tuple[uuid.UUID, str, str]]) -> None:
    correlation_ids = {key: correlation_id for key, _, correlation_id in due}
    reserved = {key for key, was, _ in due if was == ReservationState.RESERVED}
    rows = list(
        Reservation.objects.filter(id__in=list(correlation_ids))
        .select_related("home_csp", "visited_cso", "evse")
        .order_by("id")
    )
    running = [row for row in rows if row.id in reserved]
    enqueue(
        [
            *outcome_parcels(rows, ["home_csp"], correlation_ids),
            *outcome_parcels(running, ["visited_cso"], correlation_ids),
        ]
    )
