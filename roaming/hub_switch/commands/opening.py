"""Opening a command: its row and its admission to the journal, before anybody is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from roaming.domain.command import CommandKind, CommandState
from roaming.domain.uuid7 import uuid7_at
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.journal import UNANSWERED_AFTER_S, write_admission
from roaming.hub_switch.route import Route
from roaming.models import Command, Evse, Reservation, ServiceSession


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandWish:
    """What the visited-CSO of a route is to be asked. The window is a reservation's."""

    kind: CommandKind
    evse: Evse
    connector_id: str = ""
    session: ServiceSession | None = None
    reservation: Reservation | None = None
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    content_hmac: bytes | None = None
    requested_by: str = ""
    why: str = ""


def open_command(envelope: Envelope, route: Route, wish: CommandWish) -> Command:
    """Leaves the command, asked, with its admission: in the caller's transaction.

    The caller holds the reservation, where there is one, so that its questions have an order.
    Should this process die before the answer is kept, the command times out a minute later.
    """
    assert route.visited_cso is not None
    assert route.home_csp is not None
    patience = timedelta(seconds=settings.LIVE_QUESTION_TIMEOUT_S + UNANSWERED_AFTER_S)
    earlier = wish.reservation.commands.count() if wish.reservation else 0
    command = Command.objects.create(
        id=uuid7_at(envelope.now),
        environment=envelope.environment,
        use_case=envelope.use_case.code,
        kind=wish.kind.value,
        state=CommandState.ASKED.value,
        asked_by=envelope.sender,
        visited_cso=route.visited_cso,
        home_csp=route.home_csp,
        session=wish.session,
        reservation=wish.reservation,
        evse=wish.evse,
        connector_id=wish.connector_id,
        number=earlier + 1,
        correlation_id=envelope.correlation_id,
        message_id=envelope.message_id,
        starts_at=wish.starts_at,
        expires_at=wish.expires_at,
        content_hmac=wish.content_hmac,
        requested_by=wish.requested_by,
        why=wish.why,
        asked_at=envelope.now,
        result_due_at=timezone.now() + patience,
    )
    session_id = wish.session.id if wish.session else None
    write_admission(envelope, route, session_id, wish.evse.key)
    return command


def recall_command(envelope: Envelope) -> Command | None:
    """The command that this very message opened before its process died; None where it did not.

    A repetition must find it, not have the charging station do the same twice. Where the answer was
    lost too, the asker is told what came of it, or that nothing came in time. One that was not
    reached is asked anew.
    """
    if not envelope.repeated:
        return None
    return (
        Command.objects.filter(
            message_id=envelope.message_id,
            asked_by=envelope.sender,
            use_case=envelope.use_case.code,
        )
        .exclude(state=CommandState.NOT_REACHED)
        .order_by("-asked_at", "-id")
        .first()
    )
