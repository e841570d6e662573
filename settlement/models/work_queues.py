"""Work queues of reconciliation: what waits for a person, since when, with how much money at stake.

Counts are capped and every queue is read along an index, so that a million SDRs cost no more than
ten thousand. Money never adds up over environments or currencies.
"""

from __future__ import annotations

from collections.abc import Iterable
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


def standings_of(queue: Queue, environment: str, now: datetime) -> list[QuerySet[SdrState]]:
    """The SDRs of a queue as selections that each follow an index, the oldest first."""
    rows = SdrState.objects.filter(environment=environment)
    if queue is not Queue.OVERDUE:
        return [rows.filter(state=queue.value).order_by("sdr_id")]
    undecided = rows.filter(state=SdrLifeState.RATED.value, decide_by__lt=now)
    late = [
        waiting_since_before(rows.filter(state=state.value), overdue_since(now)).order_by("sdr_id")
        for state in QUEUED_STATES
    ]
    return [undecided.order_by("decide_by"), *late]


def keys_of_overdue(environment: str, now: datetime) -> QuerySet[Any, Any]:
    """The keys of what is overdue, at most `CAP` of each kind."""
    first, *others = (
        rows.values("sdr_id")[:CAP] for rows in standings_of(Queue.OVERDUE, environment, now)
    )
    return first.union(*others, all=True)


_PARTS = ("sdr_id", "visible_at", "money_at_stake")
_FIGURES = """
SELECT waiting.queue, coalesce(sdr.currency, ''), count(*), min(waiting.visible_at),
    count(*) FILTER (WHERE waiting.visible_at < %s),
    sum(coalesce(waiting.money_at_stake, abs(sdr.claim_before_tax)))
FROM ({parts}) waiting JOIN roaming_sdr sdr ON sdr.id = waiting.sdr_id
GROUP BY 1, 2
"""


def queue_figures(
    environment: str, now: datetime, *, reader: Any = None, cap: int = CAP
) -> dict[Queue, QueueFigures]:
    """Every queue of SDRs in one query.

    `reader`: the member of staff whose assigned SDRs are counted. What is decided leaves by itself.
    """
    selections = [
        (queue, rows)
        for queue in (*map(Queue, QUEUED_STATES), Queue.OVERDUE)
        for rows in standings_of(queue, environment, now)
    ]
    if reader is not None:
        selections.append((Queue.ASSIGNED, assigned_standings(reader, environment)))
    figures: dict[Queue, QueueFigures] = {
        queue: QueueFigures() for queue in Queue if queue is not Queue.MISSING
    }
    parts, parameters = [], [overdue_since(now)]
    for queue, rows in selections:
        sql, given = rows.values_list(*_PARTS)[: cap + 1].query.sql_with_params()
        parts.append(f"SELECT '{queue.value}' AS queue, part.* FROM ({sql}) part")  # noqa: S608
        parameters += given
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES.format(parts=" UNION ALL ".join(parts)), parameters)
        _add_up(figures, cursor.fetchall(), cap)
    return figures


def _add_up(figures: dict[Queue, QueueFigures], rows: Iterable[Any], cap: int) -> None:
    for queue, currency, count, oldest, overdue, money in rows:
        shown = figures[Queue(queue)]
        shown.count += count
        shown.overdue += overdue
        shown.oldest = min(filter(None, (shown.oldest, oldest)))
        if money:
            shown.money[currency] = money
    for shown in figures.values():
        shown.capped, shown.count = shown.count > cap, min(shown.count, cap)


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
