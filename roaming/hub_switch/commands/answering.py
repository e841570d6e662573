"""Asking the visited-CSO live, outside any transaction, and keeping what it answered at once."""

from __future__ import annotations

import uuid
from datetime import timedelta

import msgspec
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from roaming.domain.command import CommandAnswer, CommandState, read_command_answer
from roaming.domain.passing_on import passed_on
from roaming.domain.refusals import Refusal
from roaming.domain.wire_text import unquoted
from roaming.hub_switch.asking import ask
from roaming.hub_switch.commands.consequences import draw_consequences, note_never_asked
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.journal import Verdict, write_verdict
from roaming.hub_switch.route import Route
from roaming.models import Command, JournalEntry
from roaming.ports import OutgoingMessage


def carry_out(
    envelope: Envelope, route: Route, command: Command, path: str, question: msgspec.Struct
) -> Command:
    """Asks, keeps the answer with its verdict, and returns the command as it then stands.

    What the home-CSP said beyond our vocabulary goes along.

    Refuses receiver_not_connected, receiver_timed_out, receiver_refused, receiver_answered_rubbish
    and their like: the command is then not_reached. Where the receiver may have acted all the same,
    its session or reservation stays open for a result. A result that came meanwhile counts for more
    than the missing answer.
    """
    try:
        answer = _ask(envelope, command, path, question)
    except Refusal as refusal:
        return _keep_silence(envelope, route, command.id, refusal)
    except Exception as unforeseen:
        failure = Refusal("internal_error", "An unforeseen error was recorded.")
        failure.may_have_acted = True
        failure.__cause__ = unforeseen
        return _keep_silence(envelope, route, command.id, failure)
    return _keep_answer(envelope, route, command.id, answer)


def _ask(
    envelope: Envelope, command: Command, path: str, question: msgspec.Struct
) -> CommandAnswer:
    message = OutgoingMessage(
        use_case=envelope.use_case.code,
        path=path,
        body=passed_on(question, envelope.body),
        message_id=str(command.id),
        correlation_id=envelope.correlation_id,
        sender=command.home_csp.identifier,
        receiver=command.visited_cso.identifier,
    )
    answer = ask(command.visited_cso, envelope.environment, message)
    try:
        return read_command_answer(answer.body)
    except (ValueError, RecursionError) as error:
        refusal = Refusal(
            "receiver_answered_rubbish", f"{command.visited_cso}: {unquoted(error)}"[:300]
        )
        refusal.may_have_acted = True
        raise refusal from error


def lock_command(command_id: uuid.UUID) -> Command:
    """The command as it stands now, held until the transaction ends."""
    return (
        Command.objects.select_for_update(of=("self",), no_key=True)
        .select_related("visited_cso", "home_csp", "evse", "asked_by", "session", "reservation")
        .get(id=command_id)
    )


def _keep_answer(
    envelope: Envelope, route: Route, command_id: uuid.UUID, answer: CommandAnswer
) -> Command:
    with transaction.atomic():
        command = lock_command(command_id)
        command.answered_at = envelope.now
        if command.state == CommandState.ASKED:
            command.reason, command.note = answer.reason, answer.note
            if answer.accepted:
                within_s = answer.result_within_s(settings.COMMAND_RESULT_LONGEST_S)
                command.state = CommandState.ACCEPTED.value
                command.result_due_at = timezone.now() + timedelta(seconds=within_s)
            else:
                command.state, command.result_due_at = CommandState.REJECTED.value, None
                draw_consequences(command, envelope.now)
        command.save()
        outcome = JournalEntry.Outcome.ACCEPTED if answer.accepted else JournalEntry.Outcome.REFUSED
        verdict = Verdict(outcome, answer=msgspec.json.encode(answer).decode())
        write_verdict(envelope, route, verdict, command.session_id, _place(command))
    return command


def _keep_silence(
    envelope: Envelope, route: Route, command_id: uuid.UUID, refusal: Refusal
) -> Command:
    with transaction.atomic():
        command = lock_command(command_id)
        if command.state == CommandState.ASKED:
            command.state, command.reason = CommandState.NOT_REACHED.value, refusal.code
            command.result_due_at = None
            command.save()
            if not refusal.may_have_acted:
                note_never_asked(command)
        verdict = Verdict.of_refusal(refusal)
        write_verdict(envelope, route, verdict, command.session_id, _place(command))
    refusal.journalled = True
    if CommandState(command.state).is_result:
        return command
    raise refusal


def _place(command: Command) -> str:
    return command.evse.key if command.evse else ""
