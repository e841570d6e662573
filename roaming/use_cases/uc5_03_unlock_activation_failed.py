"""UC5-3, emergency cable unlocking when the activation failed (IEC 63119-2, 8.5): no session.

Accepts: an EVSE, also one that is no longer published, who asked and why. The visited-CSO is asked
live; the result follows.
Refuses: party_not_held, invalid_field, invalid_identifier, unknown_evse, receiver_not_connected,
receiver_timed_out, receiver_refused, receiver_answered_rubbish.
Needs no agreement, active or other: nobody stays locked to a station.
Leaves behind: a command that both parties can read, with who asked and why; two journal rows.
"""

from __future__ import annotations

from django.db import transaction

from roaming.domain.command import CommandKind
from roaming.domain.unlocking import EvseUnlockWish, UnlockCommand, read_emergency
from roaming.domain.wire_text import check_line
from roaming.hub_switch import Envelope, find_route, held_party
from roaming.hub_switch.commands import CommandWish, carry_out, open_command, recall_command
from roaming.hub_switch.places import find_evse
from roaming.models import Command, Role

PATH = "uc5-3/unlock"


def unlock_activation_failed(envelope: Envelope, evse_id: str, wish: EvseUnlockWish) -> Command:
    """Asks the EVSE's visited-CSO to unlock the cable; returns the command as it was taken."""
    home_csp = held_party(envelope, wish.home_csp, Role.CSP)
    wish = read_emergency(wish)
    check_line(wish.connector_id, 36, "connector_id")
    known = recall_command(envelope)
    if known is not None:
        return known
    evse, visited_cso = find_evse(envelope, evse_id, removed_too=True)
    route = find_route(envelope, visited_cso, home_csp)
    with transaction.atomic():
        command = open_command(
            envelope,
            route,
            CommandWish(
                kind=CommandKind.UNLOCK,
                evse=evse,
                connector_id=wish.connector_id or "",
                requested_by=wish.requested_by,
                why=wish.why,
            ),
        )
    message = UnlockCommand(
        command_id=command.id,
        visited_cso=visited_cso.identifier,
        home_csp=home_csp.identifier,
        evse_id=evse.evse_id,
        connector_id=wish.connector_id,
        requested_by=wish.requested_by,
        why=wish.why,
        requested_at=envelope.now.isoformat(),
    )
    return carry_out(envelope, route, command, PATH, message)
