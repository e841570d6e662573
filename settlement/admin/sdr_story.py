"""An SDR's story on one time line: the session's messages, its records, who decided what."""

from __future__ import annotations

from collections.abc import Iterator

from roaming.models import Sdr
from roaming.staff_pages.cells import link_to, money, value_at
from roaming.staff_pages.session_story import (
    MOST,
    Line,
    as_rows,
    lines_of_records,
    lines_of_session,
)
from roaming.staff_pages.staff_admin import Panel
from settlement.admin.sdr_records import Records
from settlement.models import StatementLine
from settlement.models.disputes import DisputeEvent

HEADERS = ("When", "What", "Who", "Outcome", "Took, note")


def time_line(row: Sdr, records: Records) -> Panel:
    """Who asked what, who answered, how fast, what was recorded, what it cost, who decided."""
    session = records.session
    lines = lines_of_session(session, row) if session is not None else lines_of_records([row])
    return Panel(
        "Time line",
        HEADERS,
        as_rows([*lines, *_of_settlement(row, records)]),
        "Nothing is known of it.",
        note="Messages of the journal in business time, deliveries in real time."
        if session is not None
        else "No session of the clearing house belongs to it: only what became of the SDR itself.",
    )


def _of_settlement(row: Sdr, records: Records) -> Iterator[Line]:
    record = records.record
    if record is not None:
        cost = money(record.before_tax, record.currency)
        yield record.received_at, 7, (f"CSP's own record {record}", str(row.home_csp), cost, "")
    assignment = value_at(row, "assignment")
    if assignment is not None:
        words = f"Assigned to {assignment.assigned_to}"
        yield assignment.at, 9, (words, str(assignment.assigned_by), "", assignment.note)
    yield from _of_disputes(row)
    lines = StatementLine.objects.filter(sdr=row).select_related("statement__period")
    for line in lines.order_by("pk")[:20]:
        period = line.statement.period
        at = period.preliminary_at or period.drafted_at
        if at is not None:
            amount = money(line.amount, line.statement.currency)
            yield at, 10, (link_to(line.statement), "settlement", amount, line.get_kind_display())


def _of_disputes(row: Sdr) -> Iterator[Line]:
    """Every step of its disputes: who answered whom, and what silence meant."""
    events = DisputeEvent.objects.filter(dispute__sdr=row).select_related("dispute")
    for event in events.order_by("id")[:MOST]:
        what = link_to(event.dispute, f"{event.dispute}: {event}")
        amount = "" if event.amount is None else money(event.amount, event.dispute.currency)
        told = "by silence" if event.by_silence else event.text
        yield event.at, 9, (what, event.actor, amount, told)
