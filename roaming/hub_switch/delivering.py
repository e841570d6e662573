"""Store and forward: at least once, in order per object, with backoff, until a deadline (6.4.1).

A receiver's deliveries go in a few lanes side by side, those of one object always in the same one.
Receivers that answer slowly have threads of their own, so that they slow no other.
"""

from __future__ import annotations

import logging
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.utils import timezone

from roaming import ports
from roaming.domain.refusals import Refusal
from roaming.hub_switch import asking
from roaming.hub_switch.claiming import (
    Carried,
    End,
    Trials,
    Waiting,
    claim,
    pause_s,
    record,
)
from roaming.hub_switch.endpoint_health import health_notes
from roaming.hub_switch.live_questions import live_questions
from roaming.models import Delivery, Platform, RoamingEndpoint

logger = logging.getLogger(__name__)

LANES, THREADS, SLOW_THREADS = 4, 24, 8
SLOW_S = 1.0
_POLL_S = 0.25


@dataclass(slots=True)
class Manners:
    """How receivers answered this process: who is known to answer, and who takes his time."""

    good: set[int] = field(default_factory=set)
    slow: set[int] = field(default_factory=set)
    silent: set[int] = field(default_factory=set)

    def learn(self, receiver: int, lane: Lane) -> None:
        if lane.silence:
            self.silent.add(receiver)
            self.good.discard(receiver)
        elif lane.longest_s is not None:
            self.silent.discard(receiver)
            self.good.add(receiver)
        if lane.longest_s is not None:
            (self.slow.add if lane.longest_s > SLOW_S else self.slow.discard)(receiver)


manners = Manners()


@dataclass(slots=True)
class Lane:
    """Deliveries of one receiver that go one after the other, and what became of them."""

    receiver: int
    endpoint: RoamingEndpoint | None
    waiting: Sequence[Waiting]
    stop: threading.Event
    done: list[Carried] = field(default_factory=list)
    longest_s: float | None = None
    silence: str = ""

    def carry(self) -> Lane:
        """Runs in a thread of its own, without the database.

        After a silence the rest waits untried, after a refusal the rest of the same object.
        """
        refused: dict[str, Carried] = {}
        for delivery in self.waiting:
            before = refused.get(delivery.object_key)
            if self.silence:
                self.done.append(_untried(delivery, self.done[-1]))
            elif before is not None:
                self.done.append(_untried(delivery, before))
            elif self._is_over(delivery):
                self.done.append(Carried(delivery, End.UNTRIED))
            else:
                self._carry_one(delivery, refused)
        return self

    def _carry_one(self, delivery: Waiting, refused: dict[str, Carried]) -> None:
        began = time.monotonic()
        outcome = carry(delivery, self.endpoint, settings.DELIVERY_TIMEOUT_S)
        self.longest_s = max(self.longest_s or 0, time.monotonic() - began)
        if outcome.end is End.SILENCE:
            self.silence = outcome.error
        elif outcome.end is End.REFUSED:
            refused[delivery.object_key] = outcome
        self.done.append(outcome)

    def _is_over(self, delivery: Waiting) -> bool:
        """Told to stop, no time left under the lease, or so slow that others have to go first."""
        too_late = time.monotonic() + settings.DELIVERY_TIMEOUT_S > delivery.lease_ends
        return too_late or self.stop.is_set() or (self.longest_s or 0) > SLOW_S


def _untried(delivery: Waiting, before: Carried) -> Carried:
    return Carried(delivery, End.UNTRIED, before.error, pause_s=before.pause_s)


class Round:
    """Claims and carries until nothing is left or the time is up."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._quick = ThreadPoolExecutor(THREADS, "carrier")
        self._slow = ThreadPoolExecutor(SLOW_THREADS, "slow carrier")
        self._under_way: dict[Future[Lane], Lane] = {}

    def carry_one_batch(self, now: datetime) -> int:
        """Claims once, carries it, returns how many."""
        try:
            claimed = self._begin(now)
            while self._under_way:
                self._record_finished(None)
            return claimed
        finally:
            self._end()

    def carry_on(self, seconds: float) -> int:
        """Goes on claiming for so long while there is something to do; returns how many."""
        ends = time.monotonic() + seconds
        carried = 0
        try:
            while time.monotonic() < ends:
                claimed = self._begin(timezone.now()) if self._has_room() else 0
                carried += claimed
                if not claimed and not self._under_way:
                    break
                self._record_finished(_POLL_S)
            self._stop.set()
            while self._under_way:
                self._record_finished(None)
            return carried
        finally:
            self._end()

    def _has_room(self) -> bool:
        return len(self._under_way) < THREADS + SLOW_THREADS

    def _begin(self, now: datetime) -> int:
        busy = {lane.receiver for lane in self._under_way.values()}
        slow_ones = sum(1 for receiver in busy if receiver in manners.slow)
        if slow_ones >= SLOW_THREADS:
            busy |= manners.slow
        claimed = claim(now, Trials(hesitant=manners.silent | manners.slow, busy=busy))
        by_receiver: defaultdict[int, list[Waiting]] = defaultdict(list)
        for delivery in claimed:
            by_receiver[delivery.receiver_id].append(delivery)
        endpoints = endpoints_of(by_receiver)
        for receiver, rows in by_receiver.items():
            self._launch(receiver, rows, endpoints.get(receiver))
        return len(claimed)

    def _launch(self, receiver: int, rows: list[Waiting], endpoint: RoamingEndpoint | None) -> None:
        lanes: defaultdict[int, list[Waiting]] = defaultdict(list)
        count = LANES if receiver in manners.good and receiver not in manners.slow else 1
        for row in rows:
            lanes[zlib.crc32(row.object_key.encode()) % count].append(row)
        pool = self._slow if receiver in manners.slow else self._quick
        for waiting in lanes.values():
            lane = Lane(receiver, endpoint, waiting, self._stop)
            self._under_way[pool.submit(lane.carry)] = lane

    def _record_finished(self, timeout_s: float | None) -> None:
        """Writes the outcome of the lanes that have ended. What cannot be written comes due again
        when its lease ends."""
        finished, _ = wait(self._under_way, timeout_s, FIRST_COMPLETED)
        lanes = []
        for future in finished:
            lane = self._under_way.pop(future)
            if future.exception() is not None:
                logger.error("a lane of deliveries broke off", exc_info=future.exception())
            lanes.append(lane)
        try:
            record([outcome for lane in lanes for outcome in lane.done])
        except Exception:
            logger.exception("the outcome of deliveries could not be recorded")
        for lane in lanes:
            manners.learn(lane.receiver, lane)
            note_health(lane.done)

    def _end(self) -> None:
        self._stop.set()
        self._quick.shutdown()
        self._slow.shutdown()


def deliver_due(now: datetime | None = None) -> int:
    """Carries one batch of what is due; returns how many were claimed. `now` is real time.

    What cannot be carried or recorded stays due: at least once, never lost.
    """
    return Round().carry_one_batch(now or timezone.now())


def keep_delivering(seconds: float) -> int:
    """Carries what is due, and what comes due meanwhile, for so long; returns how many.

    Does nothing where as many processes as the settings say are at it already: a worker has other
    work too.
    """
    with _turn() as free:
        return Round().carry_on(seconds) if free else 0


@contextmanager
def _turn() -> Iterator[bool]:
    """One of the turns at delivering. A process that dies gives its turn back with its session."""
    with connection.cursor() as cursor:
        for number in range(settings.DELIVERY_LOOPS):
            cursor.execute("SELECT pg_try_advisory_lock(hashtext('deliver'), %s)", [number])
            if cursor.fetchone()[0]:
                break
        else:
            yield False
            return
    try:
        yield True
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('deliver'), %s)", [number])


def note_health(done: Iterable[Carried]) -> None:
    """What the attempts say of the receivers' endpoints."""
    for outcome in done:
        if outcome.end is not End.UNTRIED:
            error = outcome.error if outcome.end is End.SILENCE else None
            health_notes.note(outcome.delivery.receiver_id, error)


def endpoints_of(receivers: Iterable[int]) -> dict[int, RoamingEndpoint]:
    """Endpoints by platform; an ended platform has none any more."""
    rows = RoamingEndpoint.objects.filter(platform__in=receivers).exclude(
        platform__status=Platform.Status.ENDED
    )
    return {endpoint.platform_id: endpoint for endpoint in rows}


_EARLIER = """
    SELECT EXISTS (SELECT FROM roaming_delivery WHERE state = 'waiting' AND receiver_id = %s
        AND object_key = %s AND id < %s)
"""


def send_now(delivery: Delivery) -> bool:
    """Carries a leased delivery at once; True when the receiver took it, else a worker tries again.

    It is a live question as others are: where the receiver is offline or has too many before it,
    the worker has it. Must be called outside a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_EARLIER, [delivery.receiver_id, delivery.object_key, delivery.pk])
        overtakes = bool(cursor.fetchone()[0])
    endpoint = endpoints_of([delivery.receiver_id]).get(delivery.receiver_id)
    if endpoint is None or overtakes:
        record([Carried(delivery, End.UNTRIED)])
        return False
    try:
        with live_questions.place(delivery.receiver_id, str(delivery.receiver_id)) as place:
            outcome = carry(delivery, endpoint, settings.LIVE_QUESTION_TIMEOUT_S)
            place.alive = outcome.end is not End.SILENCE
    except Refusal as refusal:
        outcome = Carried(delivery, End.UNTRIED, refusal.code)
    record([outcome])
    note_health([outcome])
    return outcome.end is End.TAKEN


def carry(
    delivery: Waiting | Delivery, endpoint: RoamingEndpoint | None, timeout_s: float
) -> Carried:
    """One attempt."""
    if endpoint is None:
        return Carried(delivery, End.UNTRIED, "receiver_not_connected: no roaming endpoint")
    later_s = pause_s(delivery.attempts + 1)
    try:
        client = ports.clients[endpoint.dialect]
        answer = client.send(asking.address_of(endpoint), asking.outgoing(delivery), timeout_s)
    except ports.NoAnswer as silence:
        return Carried(delivery, End.SILENCE, str(silence), pause_s=later_s)
    except Exception as error:
        logger.exception("delivery %s could not be carried", delivery.id)
        error_name = f"internal_error: {type(error).__name__}"
        return Carried(delivery, End.REFUSED, error_name, pause_s=later_s)
    if 200 <= answer.status < 300:
        # PostgreSQL keeps no NUL in a text.
        text = answer.body.decode(errors="replace").replace("\x00", "\ufffd")
        return Carried(delivery, End.TAKEN, answer=text[:10_000])
    end = End.REFUSED if asking.is_alive(answer) else End.SILENCE
    return Carried(delivery, end, f"receiver_refused: HTTP status {answer.status}", pause_s=later_s)
