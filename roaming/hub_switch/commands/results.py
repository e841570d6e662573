"""Taking the result of a command, and telling the asker what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from roaming.domain.command import (
    CommandResult,
    CommandResultNotice,
    CommandState,
    command_may_become,
)
from roaming.domain.passing_on import passed_on
from roaming.domain.refusals import Refusal
from roaming.hub_switch.commands.consequences import draw_consequences
from roaming.models import Command, Platform
from roaming.outbox import Parcel, platform_of


def take_result(command: Command, message: CommandResult, now: datetime) -> bool:
    """Writes the result on the locked command, with what follows from it.

    False where the same result is known already. Refuses command_state: another result is known, or
    the receiver had rejected the command.
    """
    state = CommandState(command.state)
    if state.is_result and _same(command, message):
        return False
    if not command_may_become(state, message.state):
        raise Refusal("command_state", f"The command is {state.value.replace('_', ' ')}.")
    command.state = message.state.value
    command.reason, command.note = message.reason, message.note
    command.cso_session_id = message.cso_session_id or ""
    command.cso_reference = message.cso_reference or ""
    command.ended_at, command.result_due_at = now, None
    command.save()
    draw_consequences(command, now)
    return True


def _same(command: Command, message: CommandResult) -> bool:
    known = (
        command.state, command.reason, command.note, command.cso_session_id, command.cso_reference
    )  # fmt: skip
    return known == (
        message.state.value,
        message.reason,
        message.note,
        message.cso_session_id or "",
        message.cso_reference or "",
    )


def result_parcel(command: Command, sent: bytes) -> Parcel:
    """The notice to whoever speaks for the home-CSP now; else to the platform that asked.

    `sent`: the result as the visited-CSO sent it; what it says beyond our vocabulary goes along.
    """
    receiver = platform_of(command.home_csp, command.environment) or command.asked_by
    return parcel_for(command, receiver, sent)


def parcel_for(command: Command, receiver: Platform, sent: bytes = b"") -> Parcel:
    """How the command ended, as a message. Its notices reach the asker in their order."""
    return Parcel(
        receiver,
        command.use_case,
        f"{command.use_case.lower()}/result",
        f"command:{command.id}",
        passed_on(_notice(command), sent).decode(),
        command.correlation_id,
    )


_RESULTS: dict[str, Literal["SUCCEEDED", "FAILED", "TIMED_OUT"]] = {
    CommandState.SUCCEEDED.value: "SUCCEEDED",
    CommandState.FAILED.value: "FAILED",
    CommandState.TIMED_OUT.value: "TIMED_OUT",
}


def _notice(command: Command) -> CommandResultNotice:
    session, reservation = command.session, command.reservation
    moment = command.ended_at or command.timed_out_at
    assert moment is not None
    timed_out = command.state == CommandState.TIMED_OUT
    return CommandResultNotice(
        command_id=str(command.id),
        use_case=command.use_case,
        result=_RESULTS[command.state],
        reason="" if timed_out else command.reason,
        note="" if timed_out else command.note,
        late=command.result_was_late,
        visited_cso=command.visited_cso.identifier,
        home_csp=command.home_csp.identifier,
        evse_id=command.evse.evse_id if command.evse else None,
        connector_id=command.connector_id or None,
        service_session_id=str(session.id) if session else None,
        reservation_id=str(reservation.id) if reservation else None,
        csp_session_id=(session.csp_session_id or None) if session else None,
        cso_session_id=command.cso_session_id or None,
        cso_reference=command.cso_reference or None,
        at=moment.isoformat(),
    )
