"""UC3-4, stop energy transfer via the home-CSP (IEC 63119-2, 8.3): an app stops what it started.

Accepts: a session of the home-CSP that is authorised or charges, or may do so unheard: the result
of its remote start is missing, or staff closed it for want of news. The visited-CSO is asked live
whether it takes the command, and the result follows. The session ends with its completion (UC3-5).
Refuses: unknown_session, session_state, invalid_field, receiver_not_connected, receiver_timed_out,
receiver_refused, receiver_answered_rubbish.
Passes under a suspended or ended agreement: a running session is never stranded.
Leaves behind: a command, two journal rows.
"""

from __future__ import annotations

import uuid

import msgspec
from django.db import transaction

from roaming.domain.command import CommandKind
from roaming.domain.refusals import Refusal
from roaming.domain.wire_text import check_line, on_one_line
from roaming.hub_switch import Envelope
from roaming.hub_switch.commands import CommandWish, carry_out, open_command, recall_command
from roaming.hub_switch.running_session import (
    may_charge,
    route_of,
    session_of_sender,
)
from roaming.models import Command, Role

PATH = "uc3-4/stop"


class StopWish(msgspec.Struct, kw_only=True, frozen=True):
    """UC3-4 as the home-CSP sends it. `why`: up to 200 characters, for the visited-CSO to read."""

    why: str = ""


class StopCommand(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the visited-CSO receives. Its result goes to `commands/{command_id}/result`."""

    command_id: uuid.UUID
    service_session_id: uuid.UUID
    visited_cso: str
    home_csp: str
    evse_id: str
    connector_id: str | None = None
    cso_session_id: str | None = None
    csp_session_id: str | None = None
    why: str | None = None
    requested_at: str


def stop_via_home_csp(envelope: Envelope, session_id: uuid.UUID, wish: StopWish) -> Command:
    """Asks the visited-CSO to stop the session; returns the command as it was taken."""
    why = on_one_line(wish.why)
    check_line(why, 200, "why")
    known = recall_command(envelope)
    if known is not None:
        return known
    with transaction.atomic():
        session = session_of_sender(envelope, session_id, Role.CSP, lock=True)
        if not may_charge(session):
            raise Refusal("session_state", f"The session is {session.state}: nothing to stop.")
        route = route_of(session)
        command = open_command(
            envelope,
            route,
            CommandWish(
                kind=CommandKind.STOP,
                evse=session.evse,
                connector_id=session.connector_id,
                session=session,
                why=why,
            ),
        )
    message = StopCommand(
        command_id=command.id,
        service_session_id=session.id,
        visited_cso=session.visited_cso.identifier,
        home_csp=session.home_csp.identifier,
        evse_id=session.evse.evse_id,
        connector_id=session.connector_id or None,
        cso_session_id=session.cso_session_id or None,
        csp_session_id=session.csp_session_id or None,
        why=why or None,
        requested_at=envelope.now.isoformat(),
    )
    return carry_out(envelope, route, command, PATH, message)
