"""Store and forward: at least once, in order per object, with backoff, until a deadline (6.4.1)."""

from __future__ import annotations

import random
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from roaming import ports
from roaming.hub_switch import asking
from roaming.models import Delivery, RoamingEndpoint

BATCH = 200
LEASE_S = 60
CARRIERS = 8
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2, 900

_CLAIM = """
    UPDATE roaming_delivery SET leased_until = %(until)s
    WHERE id IN (
        SELECT id FROM roaming_delivery candidate
        WHERE state = 'waiting' AND due_at <= %(now)s
          AND (leased_until IS NULL OR leased_until < %(now)s)
          AND NOT EXISTS (
              SELECT FROM roaming_delivery earlier
              WHERE earlier.state = 'waiting' AND earlier.receiver_id = candidate.receiver_id
                AND earlier.object_key = candidate.object_key AND earlier.id < candidate.id)
        ORDER BY due_at, id LIMIT %(batch)s
        FOR UPDATE SKIP LOCKED)
    RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of one attempt. `error` is None when the receiver took it."""

    delivery: Delivery
    error: str | None
    answer: str = ""
    tried: bool = True


def deliver_due(now: datetime | None = None) -> int:
    """Carries one batch of what is due; returns how many were tried. Real time, not business time.

    Deliveries of one receiver go one after the other, receivers side by side, so that a slow one
    holds up nobody else's.
    """
    now = now or timezone.now()
    claimed = _claim(now)
    lanes: defaultdict[int, list[Delivery]] = defaultdict(list)
    for delivery in claimed:
        lanes[delivery.receiver_id].append(delivery)
    if lanes:
        endpoints = RoamingEndpoint.objects.in_bulk(list(lanes), field_name="platform_id")
        with ThreadPoolExecutor(min(CARRIERS, len(lanes))) as pool:
            work = [
                pool.submit(_carry_lane, lane, endpoints.get(receiver))
                for receiver, lane in lanes.items()
            ]
            for lane_done in work:
                record(lane_done.result())
    return len(claimed)


def _claim(now: datetime) -> list[Delivery]:
    values: dict[str, datetime | int] = {
        "now": now,
        "until": now + timedelta(seconds=LEASE_S),
        "batch": BATCH,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        ids = [row[0] for row in cursor.fetchall()]
    return list(Delivery.objects.filter(id__in=ids).order_by("id"))


def _carry_lane(lane: list[Delivery], endpoint: RoamingEndpoint | None) -> list[Carried]:
    """One receiver's deliveries in order; after the first that cannot be carried the rest waits."""
    done: list[Carried] = []
    for delivery in lane:
        if done and done[-1].error is not None:
            done.append(Carried(delivery, done[-1].error, tried=False))
            continue
        done.append(_carry(delivery, endpoint, settings.DELIVERY_TIMEOUT_S))
    return done


def send_now(delivery: Delivery) -> bool:
    """Carries a leased delivery at once; True when the receiver took it, else a worker tries again.

    Must be called outside a transaction.
    """
    endpoint = RoamingEndpoint.objects.filter(platform=delivery.receiver_id).first()
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
    if not 200 <= answer.status < 300:
        return Carried(delivery, f"receiver_refused: HTTP status {answer.status}")
    return Carried(delivery, None, answer.body.decode(errors="replace")[:10_000])


def record(outcomes: list[Carried]) -> None:
    """Writes what became of the attempts; a failed one comes due again, later each time."""
    now = timezone.now()
    for outcome in outcomes:
        delivery = outcome.delivery
        delivery.attempts += outcome.tried
        delivery.leased_until = None
        if outcome.error is None:
            delivery.state, delivery.delivered_at = Delivery.State.DELIVERED, now
            delivery.answer, delivery.last_error = outcome.answer, ""
        else:
            delivery.last_error = outcome.error
            delivery.due_at = now + timedelta(seconds=_pause_s(delivery.attempts))
            if delivery.due_at > delivery.deadline:
                delivery.state = Delivery.State.DEAD
    Delivery.objects.bulk_update(
        [outcome.delivery for outcome in outcomes],
        [
            "attempts", "leased_until", "state", "delivered_at", "answer", "last_error", "due_at",
        ],
    )  # fmt: skip


def _pause_s(attempts: int) -> float:
    """Exponential backoff with full jitter, in seconds."""
    longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(max(attempts - 1, 0), 20))
    return random.uniform(longest / 2, longest)  # noqa: S311  jitter is no secret
