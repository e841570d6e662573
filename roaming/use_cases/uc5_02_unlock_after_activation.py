"""UC5-2, emergency cable unlocking after the charging service was activated (IEC 63119-2, 8.5).

Accepts: a session of the home-CSP that was authorised, charges or is completed (the plug may stick
after the end), who asked and why. The visited-CSO is asked live; the result follows.
Refuses: unknown_session, session_state, invalid_field, receiver_not_connected, receiver_timed_out,
receiver_refused, receiver_answered_rubbish.
Passes under a suspended or ended agreement: nobody stays locked to a station.
Leaves behind: a command that both parties can read, with who asked and why; two journal rows.
"""

from __future__ import annotations

import uuid

from django.db import transaction

from roaming.domain.command import CommandKind
from roaming.domain.refusals import Refusal
from roaming.domain.session import SessionState
from roaming.domain.unlocking import UnlockCommand, UnlockWish, read_emergency
from roaming.hub_switch import Envelope
from roaming.hub_switch.commands import CommandWish, carry_out, open_command, recall_command
from roaming.hub_switch.running_session import route_of, session_of_sender
from roaming.models import Command, Role

PATH = "uc5-2/unlock"
ACTIVATED = (SessionState.AUTHORISED, SessionState.ACTIVE, SessionState.COMPLETED)


def unlock_after_activation(envelope: Envelope, session_id: uuid.UUID, wish: UnlockWish) -> Command:
    """Asks the visited-CSO to unlock the session's cable; returns the command as it was taken."""
    wish = read_emergency(wish)
    known = recall_command(envelope)
    if known is not None:
        return known
    with transaction.atomic():
        session = session_of_sender(envelope, session_id, Role.CSP, lock=True)
        if session.state not in ACTIVATED:
            raise Refusal(
                "session_state",
                f"The session is {session.state}: nothing was activated. Unlock the EVSE (UC5-3).",
            )
        route = route_of(session)
        command = open_command(
            envelope,
            route,
            CommandWish(
                kind=CommandKind.UNLOCK,
                evse=session.evse,
                connector_id=session.connector_id,
                session=session,
                requested_by=wish.requested_by,
                why=wish.why,
            ),
        )
    message = UnlockCommand(
        command_id=command.id,
        visited_cso=session.visited_cso.identifier,
        home_csp=session.home_csp.identifier,
        evse_id=session.evse.evse_id,
        connector_id=session.connector_id or None,
        service_session_id=session.id,
        cso_session_id=session.cso_session_id or None,
        csp_session_id=session.csp_session_id or None,
        requested_by=wish.requested_by,
        why=wish.why,
        requested_at=envelope.now.isoformat(),
    )
    return carry_out(envelope, route, command, PATH, message)
