"""Work queues of reconciliation: what waits for a person, since when, with how much money at stake.

Counts are capped and every queue is read along an index, so that a million SDRs cost no more than
ten thousand. Money never adds up over environments or currencies.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pghistory
from django.conf import settings
from django.db import connection, models
from django.db.models import QuerySet

from roaming.domain.sdr import SdrLifeState
from roaming.domain.uuid7 import uuid7_at
from roaming.models import Agreement, Environment, Sdr, SdrState, ServiceSession

CAP = 10_000


class Queue(StrEnum):
    """In the order in which they are worked off. `MISSING` holds sessions, the others SDRs."""

    UNMATCHED = "unmatched"
    DEVIATING = "deviating"
    NOT_RATABLE = "not_ratable"
    DISPUTED = "disputed"
    OVERDUE = "overdue"
    ASSIGNED = "assigned"
    MISSING = "missing"


# States in which staff have to find out what is right.
STAFF_STATES = (SdrLifeState.UNMATCHED, SdrLifeState.DEVIATING, SdrLifeState.NOT_RATABLE)
QUEUED_STATES = (*STAFF_STATES, SdrLifeState.DISPUTED)
_STATES = {Queue(state.value) for state in QUEUED_STATES}


@pghistory.track()
class SdrAssignment(models.Model):
    """Which member of staff takes care of an SDR, and what they should know. One per SDR."""

    sdr = models.OneToOneField(Sdr, models.PROTECT, primary_key=True, related_name="assignment")
    assigned_to = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    assigned_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    note = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = "assignment"

    def __str__(self) -> str:
        return f"{self.sdr_id} to {self.assigned_to}"


@dataclass(slots=True)
class QueueFigures:
    """What one queue holds; `capped`: there is more than was looked at."""

    count: int = 0
    overdue: int = 0
    oldest: datetime | None = None
    capped: bool = False
    money: dict[str, Decimal] = field(default_factory=dict)


def usual_environment() -> str:
    """Live, unless this clearing house has test business only, as a sandbox has."""
    live = Agreement.objects.filter(environment=Environment.LIVE)
    return (Environment.LIVE if live.exists() else Environment.TEST).value


def overdue_since(now: datetime) -> datetime:
    """Whatever waits for staff since before then waits too long."""
    return now - timedelta(days=settings.QUEUE_DAYS)


def waiting_since_before(rows: QuerySet[Any], before: datetime) -> QuerySet[Any]:
    """Of these standings those that were visible before then.

    A key carries the session's opening moment, and an SDR is visible after that: the key bounds the
    search along the index of (state, sdr).
    """
    return rows.filter(sdr_id__lt=uuid7_at(before, 0), visible_at__lt=before)


def undecided_in_time(environment: str, now: datetime) -> QuerySet[SdrState]:
    """SDRs whose decision window has passed, and the clock has not yet taken silence."""
    rows = SdrState.objects.filter(environment=environment, state=SdrLifeState.RATED.value)
    return rows.filter(decide_by__lt=now).order_by("decide_by")


def keys_of_overdue(environment: str, now: datetime) -> QuerySet[Any, Any]:
    """The keys of what is overdue, at most `CAP` of each kind, each kind along its index."""
    rows = SdrState.objects.filter(environment=environment)
    late = (
        waiting_since_before(rows.filter(state=state.value), overdue_since(now))
        .order_by("sdr_id")
        .values("sdr_id")[:CAP]
        for state in QUEUED_STATES
    )
    return undecided_in_time(environment, now).values("sdr_id")[:CAP].union(*late, all=True)


_PARTS = ("sdr_id", "visible_at", "money_at_stake")
_FIGURES = """
SELECT waiting.queue, coalesce(sdr.currency, ''), waiting.visible_at < %s, count(*),
    min(waiting.visible_at), sum(coalesce(waiting.money_at_stake, abs(sdr.claim_before_tax)))
FROM ({parts}) waiting JOIN roaming_sdr sdr ON sdr.id = waiting.sdr_id
GROUP BY 1, 2, 3
"""


def queue_figures(
    environment: str, now: datetime, *, reader: Any = None, cap: int = CAP
) -> dict[Queue, QueueFigures]:
    """Every queue of SDRs in one query.

    `reader`: the member of staff whose assigned SDRs are counted. What is decided leaves by itself.
    """
    rows = SdrState.objects.filter(environment=environment)
    selections = [
        (queue, rows.filter(state=queue.value).order_by("sdr_id"))
        for queue in map(Queue, QUEUED_STATES)
    ]
    selections.append((Queue.OVERDUE, undecided_in_time(environment, now)))
    if reader is not None:
        selections.append((Queue.ASSIGNED, assigned_standings(reader, environment)))
    figures: dict[Queue, QueueFigures] = {
        queue: QueueFigures() for queue in Queue if queue is not Queue.MISSING
    }
    parts, parameters = [], [overdue_since(now)]
    for queue, selected in selections:
        sql, given = selected.values_list(*_PARTS)[: cap + 1].query.sql_with_params()
        parts.append(f"SELECT '{queue.value}' AS queue, part.* FROM ({sql}) part")  # noqa: S608
        parameters += given
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES.format(parts=" UNION ALL ".join(parts)), parameters)
        for row in cursor.fetchall():
            _add_up(figures, _Counted(Queue(row[0]), *row[1:]))
    for shown in figures.values():
        shown.capped, shown.count = shown.count > cap, min(shown.count, cap)
    return figures


@dataclass(frozen=True, slots=True)
class _Counted:
    """SDRs of one queue and currency, those that wait too long apart from the others."""

    queue: Queue
    currency: str
    late: bool
    count: int
    oldest: datetime
    money: Decimal | None


def _add_up(figures: dict[Queue, QueueFigures], counted: _Counted) -> None:
    """What waits too long in its queue is in the queue of all that is overdue, too."""
    queues = [counted.queue]
    if counted.late and counted.queue in _STATES:
        queues.append(Queue.OVERDUE)
    for queue in queues:
        shown = figures[queue]
        shown.count += counted.count
        shown.overdue += counted.count if counted.late else 0
        shown.oldest = min(filter(None, (shown.oldest, counted.oldest)))
        if counted.money:
            known = shown.money.get(counted.currency, Decimal(0))
            shown.money[counted.currency] = known + counted.money


def assigned_standings(reader: Any, environment: str) -> QuerySet[SdrState]:
    """What this member of staff should take care of, the oldest first."""
    return SdrState.objects.filter(
        environment=environment,
        state__in=[state.value for state in QUEUED_STATES],
        sdr__assignment__assigned_to=reader,
    ).order_by("sdr_id")


def missing_figures(environment: str, now: datetime, *, cap: int = CAP) -> QueueFigures:
    """Completed sessions whose SDR does not come; money as far as it was reported."""
    rows: Any = ServiceSession.objects.filter(environment=environment).order_by("id")
    rows = rows.without_sdr(now)
    found = list(rows.values_list("last_news", "cost_so_far", "cost_currency")[: cap + 1])
    shown = QueueFigures(
        count=min(len(found), cap),
        overdue=sum(news < overdue_since(now) for news, _, _ in found),
        oldest=min((news for news, _, _ in found), default=None),
        capped=len(found) > cap,
    )
    for _, cost, currency in found:
        if cost is not None:
            shown.money[currency] = shown.money.get(currency, Decimal(0)) + cost
    return shown
