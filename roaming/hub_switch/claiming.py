"""Which waiting deliveries a worker takes next, and what it writes of them afterwards (6.4.1).

A claim is a lease: whoever dies with it loses nothing, for the rows come due again. In order per
(receiver, object): a later version is claimed together with the earlier ones or not at all.
"""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from roaming.models import Delivery

LEASE_S = 60
BATCH = 500
PER_RECEIVER = 100  # under way at once, whatever the number of workers
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2, 900


@dataclass(frozen=True, slots=True)
class Waiting:
    """A claimed delivery: what its carrier has to know."""

    id: int
    receiver_id: int
    use_case: str
    path: str
    object_key: str
    message_id: UUID
    correlation_id: str
    body: str
    attempts: int
    due_at: datetime
    deadline: datetime
    leased_until: datetime | None
    lease_ends: float = field(default_factory=lambda: time.monotonic() + LEASE_S)


@dataclass(frozen=True, slots=True)
class Trials:
    """Receivers to be careful with: only one delivery for `hesitant` ones, none for `busy` ones."""

    hesitant: Collection[int] = ()
    busy: Collection[int] = ()


# Each receiver's first rows by when they came due, those under way among them: so a backlog costs
# as little as a single row, and the cap holds over all workers. A row whose object has an earlier
# version outside this claim is put off until that one's turn, or it would stand in the way of all
# the others for ever. The ids are an array, so that they are looked up one by one: joined, they
# would be sought among everything that waits.
_CLAIM = """
    WITH receiver AS MATERIALIZED (
        SELECT endpoint.platform_id AS id,
            CASE WHEN endpoint.platform_id = ANY(%(hesitant)s) THEN 1 ELSE %(most)s END AS most
        FROM roaming_roamingendpoint endpoint
        JOIN roaming_platform platform ON platform.id = endpoint.platform_id
        LEFT JOIN roaming_endpointhealth health ON health.platform_id = endpoint.platform_id
        WHERE platform.status <> 'ended' AND health.state IS DISTINCT FROM 'offline'
          AND endpoint.platform_id <> ALL(%(busy)s)
    ), seen AS (
        SELECT first.* FROM receiver CROSS JOIN LATERAL (
            SELECT id, due_at, leased_until FROM roaming_delivery
            WHERE receiver_id = receiver.id AND state = 'waiting' AND due_at <= %(now)s
            ORDER BY due_at, id LIMIT receiver.most) first
    ), mine AS MATERIALIZED (
        SELECT id, receiver_id, object_key FROM roaming_delivery
        WHERE id = ANY (ARRAY(
            SELECT id FROM seen WHERE leased_until IS NULL OR leased_until < %(now)s
            ORDER BY due_at, id LIMIT %(batch)s))
          AND state = 'waiting' AND (leased_until IS NULL OR leased_until < %(now)s)
        FOR UPDATE SKIP LOCKED
    ), judged AS (
        SELECT mine.id, (
            SELECT earlier.due_at FROM roaming_delivery earlier
            WHERE earlier.state = 'waiting' AND earlier.receiver_id = mine.receiver_id
              AND earlier.object_key = mine.object_key AND earlier.id < mine.id
              AND earlier.id NOT IN (SELECT id FROM mine)
            ORDER BY earlier.id LIMIT 1) AS put_off
        FROM mine
    )
    UPDATE roaming_delivery SET
        leased_until = CASE WHEN put_off IS NULL THEN %(until)s END,
        due_at = CASE WHEN put_off IS NULL THEN due_at
            ELSE greatest(put_off, %(now)s + interval '1 second') END
    FROM judged WHERE roaming_delivery.id = judged.id
    RETURNING roaming_delivery.id, receiver_id, use_case, path, object_key, message_id,
        correlation_id, body, attempts, due_at, deadline, leased_until
"""


def claim(now: datetime, trials: Trials = Trials()) -> list[Waiting]:
    """Leases what is due and may be carried, in the order of the ids. `now` is real time."""
    values: dict[str, Any] = {
        "now": now, "until": now + timedelta(seconds=LEASE_S), "batch": BATCH, "most": PER_RECEIVER,
        "hesitant": list(trials.hesitant), "busy": list(trials.busy),
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        # One claims at a time, or two would each give a receiver its whole share.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('claim deliveries'))")
        cursor.execute(_CLAIM, values)
        rows = [Waiting(*row) for row in cursor.fetchall()]
    return sorted((row for row in rows if row.leased_until is not None), key=lambda row: row.id)


class End(Enum):
    """How an attempt ended. Silence says something of the receiver, a refusal of the message."""

    TAKEN = "taken"
    REFUSED = "refused"
    SILENCE = "silence"
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of a claimed delivery."""

    delivery: Waiting | Delivery
    end: End
    error: str = ""
    answer: str = ""
    pause_s: float = 0


# Only while the lease is still ours: who comes late must not overwrite what another found out.
# Rows are locked in the order of their ids, as whoever numbers or acknowledges many locks them.
_RECORD = """
    WITH held AS MATERIALIZED (
        SELECT id FROM roaming_delivery WHERE id = ANY (%s::bigint[]) ORDER BY id FOR UPDATE
    )
    UPDATE roaming_delivery SET attempts = attempts + done.tried, leased_until = NULL,
        state = done.state, delivered_at = done.delivered_at, answer = done.answer,
        last_error = done.last_error, due_at = done.due_at
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::integer[], %s::text[], %s::timestamptz[],
                %s::text[], %s::text[], %s::timestamptz[])
        AS done (id, lease, tried, state, delivered_at, answer, last_error, due_at)
    JOIN held ON held.id = done.id
    WHERE roaming_delivery.id = done.id AND roaming_delivery.state = 'waiting'
      AND roaming_delivery.leased_until = done.lease
"""


def record(outcomes: Sequence[Carried]) -> None:
    """Writes what became of the attempts, in one statement."""
    now = timezone.now()
    rows = [_outcome_row(outcome, now) for outcome in outcomes]
    if rows:
        with connection.cursor() as cursor:
            columns = [list(column) for column in zip(*rows, strict=True)]
            cursor.execute(_RECORD, [columns[0], *columns])


def _outcome_row(outcome: Carried, now: datetime) -> tuple[object, ...]:
    delivery = outcome.delivery
    state, delivered_at = Delivery.State.WAITING.value, None
    due_at = delivery.due_at
    if outcome.pause_s:
        due_at = now + timedelta(seconds=outcome.pause_s)
    if outcome.end is End.TAKEN:
        state, delivered_at = Delivery.State.DELIVERED.value, now
    elif max(due_at, now) > delivery.deadline:
        state = Delivery.State.DEAD.value
    tried = int(outcome.end is not End.UNTRIED)
    return (
        delivery.id, delivery.leased_until, tried, state, delivered_at, outcome.answer,
        outcome.error[:300], due_at,
    )  # fmt: skip


def pause_s(attempts: int) -> float:
    """Seconds until the next attempt after so many: exponential backoff with jitter."""
    longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(max(attempts - 1, 0), 20))
    return random.uniform(longest / 2, longest)  # noqa: S311  jitter is no secret


_GIVE_UP = """
    UPDATE roaming_delivery SET state = 'dead', leased_until = NULL,
        last_error = left(concat_ws('; ', 'Its deadline has passed.', nullif(last_error, '')), 300)
    WHERE id IN (
        SELECT id FROM roaming_delivery
        WHERE state = 'waiting' AND deadline < %(now)s
          AND (leased_until IS NULL OR leased_until < %(now)s)
        FOR UPDATE SKIP LOCKED)
"""


def give_up_overdue(now: datetime) -> int:
    """Gives up what nobody could carry until its deadline; returns how many.

    An attempt gives up by itself; this is for receivers that are offline or have no endpoint.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_UP, {"now": now})
        return int(cursor.rowcount)
