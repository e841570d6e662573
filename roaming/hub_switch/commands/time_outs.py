"""That no result came in time: an outcome of its own, swept from rows and told to the asker."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from roaming.hub_switch.commands.results import parcel_for
from roaming.models import Command, JournalEntry, Platform, PlatformIdentifier
from roaming.outbox import enqueue

BATCH = 500

# A result that is being recorded holds its row: it is left alone, and is no time-out any more.
_TIME_OUT = """
UPDATE roaming_command SET state = 'timed_out', timed_out_at = %(now)s
WHERE id IN (
    SELECT id FROM roaming_command
    WHERE state IN ('asked', 'accepted') AND result_due_at <= %(real_now)s
    ORDER BY result_due_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
RETURNING id
"""


def time_out_commands(now: datetime, real_now: datetime) -> int:
    """Takes one batch of overdue commands to timed_out and tells their askers; returns how many.

    What is overdue is a matter of real time: the visited-CSO announced seconds of its own clock,
    and a business clock that runs fast must not cut them short. `now` is the business time of the
    story. Sessions and reservations stay as they are: a late result, or UC3-6, decides.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_TIME_OUT, {"now": now, "real_now": real_now, "batch": BATCH})
            ids = [row[0] for row in cursor.fetchall()]
        if ids:
            commands = Command.objects.filter(id__in=ids).select_related(
                "visited_cso", "home_csp", "evse", "asked_by", "session", "reservation"
            )
            _tell(list(commands.order_by("id")), now)
    return len(ids)


def _tell(commands: Sequence[Command], now: datetime) -> None:
    """As many statements for a batch as for one."""
    speakers = _speakers(commands)
    enqueue(
        parcel_for(
            command,
            speakers.get((command.home_csp_id, command.environment), command.asked_by),
        )
        for command in commands
    )
    JournalEntry.objects.bulk_create(
        JournalEntry(
            transaction_id=uuid.uuid4(),
            phase=JournalEntry.Phase.VERDICT,
            at=now,
            environment=command.environment,
            use_case=command.use_case,
            message_id=str(command.id),
            correlation_id=command.correlation_id,
            sender=command.asked_by,
            visited_cso=command.visited_cso,
            home_csp=command.home_csp,
            agreement_id=command.session.agreement_id if command.session else None,
            service_session_id=command.session_id,
            object_key=command.evse.key if command.evse else "",
            outcome=JournalEntry.Outcome.FAILED,
            refusal_code="receiver_timed_out",
        )
        for command in commands
    )


def _speakers(commands: Sequence[Command]) -> dict[tuple[int, str], Platform]:
    """The platforms that speak for the askers' home-CSPs now."""
    held = PlatformIdentifier.objects.filter(
        identifier__in={command.home_csp_id for command in commands}
    ).select_related("platform")
    return {(row.identifier_id, row.environment): row.platform for row in held}
