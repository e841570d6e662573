"""The result of an asynchronous transaction (IEC 63119-2, 8.3, 8.5; UC3-2, 3-4, 3-8, 5-2, 5-3).

Accepts: from the visited-CSO, once, what came of a command that it was asked; also before its
answer was read, also after the asker was told that none came in time. The same again changes
nothing.
Refuses: unknown_command, command_state (another result is known, or the CSO had rejected it),
invalid_field.
Passes under a suspended or ended agreement, as everything that runs.
Leaves behind: the result on the command, what follows from it for session and reservation, a notice
to the asker that is carried at once and, where that fails, by a worker later; a journal row.
"""

from __future__ import annotations

import uuid

from django.db import transaction

from roaming.domain.command import CommandResult, read_result
from roaming.domain.refusals import Refusal
from roaming.hub_switch import Envelope, Route, Verdict, send_now, write_verdict
from roaming.hub_switch.commands import result_parcel, take_result
from roaming.models import Command, JournalEntry, Platform
from roaming.outbox import enqueue_leased, has_arrived

_LEASE_S = 30


def receive_result(
    envelope: Envelope, command_id: uuid.UUID, message: CommandResult
) -> tuple[Command, bool]:
    """Records the result; returns the command, and whether the asker has taken the notice."""
    message = read_result(message)
    with transaction.atomic():
        command = _lock_command(envelope, command_id)
        taken = take_result(command, message, envelope.now)
        parcel = result_parcel(command, envelope.body)
        notice = enqueue_leased(parcel, _LEASE_S) if taken else None
        session = command.session
        route = Route(
            command.visited_cso,
            command.home_csp,
            session.agreement if session else None,
            session.pair if session else None,
        )
        verdict = Verdict(JournalEntry.Outcome.ACCEPTED) if taken else Verdict.of_repetition()
        place = command.evse.key if command.evse else ""
        write_verdict(envelope, route, verdict, command.session_id, place)
    if not taken:
        return command, has_arrived(parcel.object_key)
    return command, notice is not None and send_now(notice)


def _lock_command(envelope: Envelope, command_id: uuid.UUID) -> Command:
    command = (
        Command.objects.select_for_update(of=("self",), no_key=True)
        .select_related(
            "visited_cso", "home_csp", "evse", "asked_by", "reservation", "session__agreement",
            "session__pair",
        )
        .filter(
            id=command_id,
            environment=envelope.environment,
            visited_cso__held_by__platform=envelope.sender,
            visited_cso__held_by__environment=envelope.environment,
        )
        .first()
    )  # fmt: skip
    if command is None:
        raise Refusal("unknown_command", "Nobody asked you anything under this id.", "command_id")
    return command


def surroundings_of(platform: Platform, command_id: uuid.UUID) -> tuple[str, str] | None:
    """Use case and correlation id of a command that the platform is a party of, else None.

    The edge needs them before it reads the message: a result is journalled under its own use case.
    """
    return (
        Command.objects.filter(
            id=command_id,
            environment=platform.environment,
            visited_cso__held_by__platform=platform,
        )
        .values_list("use_case", "correlation_id")
        .first()
    )
