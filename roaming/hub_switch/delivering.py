"""Store and forward: at least once, in order per object, with backoff, until a deadline (6.4.1)."""

from __future__ import annotations

import logging
import random
import time
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from roaming import ports
from roaming.hub_switch import asking
from roaming.models import Delivery, Platform, RoamingEndpoint

logger = logging.getLogger(__name__)

BATCH = 200
PER_RECEIVER = 20
LEASE_S = 60
LANE_S = 20  # with one time-out on top it ends long before the lease does
CARRIERS = 8
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2, 900

# Ranked first, so that the backlog of one receiver never fills the batch; locked afterwards.
_CLAIM = """
    UPDATE roaming_delivery SET leased_until = %(until)s
    WHERE id IN (
        SELECT id FROM roaming_delivery
        WHERE id IN (
            SELECT id FROM (
                SELECT candidate.id, due_at,
                    row_number() OVER (PARTITION BY receiver_id ORDER BY due_at, id) AS place
                FROM roaming_delivery candidate
                WHERE state = 'waiting' AND due_at <= %(now)s
                  AND (leased_until IS NULL OR leased_until < %(now)s)
                  AND NOT EXISTS (
                      SELECT FROM roaming_delivery earlier
                      WHERE earlier.state = 'waiting'
                        AND earlier.receiver_id = candidate.receiver_id
                        AND earlier.object_key = candidate.object_key
                        AND earlier.id < candidate.id)
            ) ranked
            WHERE place <= %(per_receiver)s ORDER BY due_at, id LIMIT %(batch)s)
          AND state = 'waiting' AND (leased_until IS NULL OR leased_until < %(now)s)
        FOR UPDATE SKIP LOCKED)
    RETURNING id
"""

# Only while the lease is still ours: who comes late must not overwrite what another found out.
_RECORD = """
    UPDATE roaming_delivery SET attempts = attempts + done.tried, leased_until = NULL,
        state = done.state, delivered_at = done.delivered_at, answer = done.answer,
        last_error = done.last_error, due_at = done.due_at
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::integer[], %s::text[], %s::timestamptz[],
                %s::text[], %s::text[], %s::timestamptz[])
        AS done (id, lease, tried, state, delivered_at, answer, last_error, due_at)
    WHERE roaming_delivery.id = done.id AND roaming_delivery.state = 'waiting'
      AND roaming_delivery.leased_until = done.lease
"""


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of one attempt. `error` is None when the receiver took it."""

    delivery: Delivery
    error: str | None
    answer: str = ""
    tried: bool = True


def deliver_due(now: datetime | None = None) -> int:
    """Carries one batch of what is due; returns how many were claimed. `now` is real time.

    A receiver's share goes in order, receivers side by side, so that a slow one holds up nobody
    else's. What cannot be carried or recorded stays due: at least once, never lost.
    """
    now = now or timezone.now()
    claimed = _claim(now)
    lanes: defaultdict[int, list[Delivery]] = defaultdict(list)
    for delivery in claimed:
        lanes[delivery.receiver_id].append(delivery)
    if lanes:
        endpoints = _endpoints(lanes)
        with ThreadPoolExecutor(min(CARRIERS, len(lanes))) as pool:
            work = [
                pool.submit(_carry_lane, lane, endpoints.get(receiver))
                for receiver, lane in lanes.items()
            ]
            for lane_done in as_completed(work):
                _record_lane(lane_done)
    return len(claimed)


def _record_lane(lane_done: Future[list[Carried]]) -> None:
    """One lane that fails must not keep the others from being recorded: its lease will end."""
    try:
        record(lane_done.result())
    except Exception:
        logger.exception("the outcome of a lane of deliveries could not be recorded")


def _endpoints(receivers: Iterable[int]) -> dict[int, RoamingEndpoint]:
    """Endpoints by platform; an ended platform has none any more."""
    rows = RoamingEndpoint.objects.filter(platform__in=receivers).exclude(
        platform__status=Platform.Status.ENDED
    )
    return {endpoint.platform_id: endpoint for endpoint in rows}


def _claim(now: datetime) -> list[Delivery]:
    values: dict[str, datetime | int] = {
        "now": now,
        "until": now + timedelta(seconds=LEASE_S),
        "batch": BATCH,
        "per_receiver": PER_RECEIVER,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        ids = [row[0] for row in cursor.fetchall()]
    return list(Delivery.objects.filter(id__in=ids).order_by("id"))


def _carry_lane(lane: list[Delivery], endpoint: RoamingEndpoint | None) -> list[Carried]:
    """One receiver's deliveries in order; after the first that cannot be carried the rest waits."""
    ends = time.monotonic() + LANE_S
    done: list[Carried] = []
    for delivery in lane:
        if done and done[-1].error is not None:
            done.append(Carried(delivery, done[-1].error, tried=False))
        elif time.monotonic() > ends:
            done.append(Carried(delivery, "The receiver is slow; the rest waits.", tried=False))
        else:
            done.append(_carry(delivery, endpoint, settings.DELIVERY_TIMEOUT_S))
    return done


def send_now(delivery: Delivery) -> bool:
    """Carries a leased delivery at once; True when the receiver took it, else a worker tries again.

    Must be called outside a transaction.
    """
    endpoint = _endpoints([delivery.receiver_id]).get(delivery.receiver_id)
    outcome = _carry(delivery, endpoint, settings.LIVE_QUESTION_TIMEOUT_S)
    record([outcome])
    return outcome.error is None


def _carry(delivery: Delivery, endpoint: RoamingEndpoint | None, timeout_s: float) -> Carried:
    if endpoint is None:
        return Carried(delivery, "receiver_not_connected: no roaming endpoint")
    client = ports.clients[endpoint.dialect]
    try:
        answer = client.send(asking.address_of(endpoint), asking.outgoing(delivery), timeout_s)
    except ports.NoAnswer as silence:
        return Carried(delivery, str(silence)[:300])
    except Exception as error:
        logger.exception("delivery %s could not be carried", delivery.pk)
        return Carried(delivery, f"internal_error: {type(error).__name__}"[:300])
    if not 200 <= answer.status < 300:
        return Carried(delivery, f"receiver_refused: HTTP status {answer.status}")
    # PostgreSQL keeps no NUL in a text.
    text = answer.body.decode(errors="replace").replace("\x00", "\ufffd")
    return Carried(delivery, None, text[:10_000])


def record(outcomes: list[Carried]) -> None:
    """Writes what became of the attempts; a failed one comes due again, later each time."""
    now = timezone.now()
    rows = []
    pause_ends = now  # what was not tried waits as long as the one that failed before it
    for outcome in outcomes:
        delivery = outcome.delivery
        state, delivered_at, due_at = Delivery.State.WAITING.value, None, pause_ends
        if outcome.error is None:
            state, delivered_at, due_at = Delivery.State.DELIVERED.value, now, delivery.due_at
        elif outcome.tried:
            due_at = pause_ends = now + timedelta(seconds=_pause_s(delivery.attempts + 1))
        if outcome.error is not None and due_at > delivery.deadline:
            state = Delivery.State.DEAD.value
        rows.append(
            (
                delivery.pk, delivery.leased_until, int(outcome.tried), state, delivered_at,
                outcome.answer, outcome.error or "", due_at,
            )
        )  # fmt: skip
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_RECORD, [list(column) for column in zip(*rows, strict=True)])


def _pause_s(attempts: int) -> float:
    """Exponential backoff with full jitter, in seconds."""
    longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(max(attempts - 1, 0), 20))
    return random.uniform(longest / 2, longest)  # noqa: S311  jitter is no secret
