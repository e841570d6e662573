"""Noting how the receivers' endpoints answer: in memory at each message, as rows now and then.

A row changes when its endpoint's health does, and else once in a few seconds at most: never an
UPDATE for each message (6.4.1). Whoever sends notes; nothing here may stop a message.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from roaming.domain.endpoint_health import Contact, health_of
from roaming.models import Delivery, EndpointHealth

logger = logging.getLogger(__name__)

WRITE_EVERY_S = 5


@dataclass(frozen=True, slots=True)
class _Written:
    """The row as this process last wrote it."""

    state: str
    contact: Contact
    at: float


@dataclass(slots=True)
class HealthNotes:
    """What this process saw of each platform since it last wrote its row. Thread-safe."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _lots: dict[int, Contact] = field(default_factory=dict)
    _written: dict[int, _Written] = field(default_factory=dict)
    _writing: set[int] = field(default_factory=set)

    def note(self, platform: int, error: str | None) -> None:
        """One exchange with the platform: `error` is None where it answered."""
        now = timezone.now()
        with self._lock:
            lot = self._lots.get(platform, Contact())
            lot = lot.succeeded(now) if error is None else lot.failed(now, error)
            self._lots[platform] = lot
            if platform in self._writing or not self._is_worth_a_row(platform, lot, now):
                return
            self._writing.add(platform)
            del self._lots[platform]
        try:
            written = _write(platform, lot, now)
        except (DatabaseError, InterfaceError):
            logger.exception("the health of platform %s could not be recorded", platform)
            self._put_back(platform, lot)
            return
        with self._lock:
            self._written[platform] = written
            self._writing.discard(platform)

    def _is_worth_a_row(self, platform: int, lot: Contact, now: datetime) -> bool:
        written = self._written.get(platform)
        if written is None or time.monotonic() - written.at >= WRITE_EVERY_S:
            return True
        return health_of(written.contact.then(lot), now) != written.state

    def _put_back(self, platform: int, lot: Contact) -> None:
        with self._lock:
            self._lots[platform] = lot.then(self._lots.get(platform, Contact()))
            self._writing.discard(platform)

    def begin_anew(self) -> None:
        """Forgets everything: in a forked process, and between tests."""
        self._lock = threading.Lock()
        self._lots, self._written, self._writing = {}, {}, set()


def _write(platform: int, lot: Contact, now: datetime) -> _Written:
    """Merges what this process saw into the row, which others write too."""
    with transaction.atomic():
        row, _ = EndpointHealth.objects.select_for_update().get_or_create(
            platform_id=platform, defaults={"since": now}
        )
        known = Contact(row.failures, row.last_success_at, row.last_failure_at, row.last_error)
        contact = known.then(lot)
        before, row.state = row.state, health_of(contact, now)
        row.failures, row.last_error = contact.failures, contact.last_error
        row.last_success_at, row.last_failure_at = contact.last_success_at, contact.last_failure_at
        if row.state != before:
            row.since = now
        row.save()
        if before == EndpointHealth.State.OFFLINE and row.state != before:
            # What waited for a sign of life need not wait for the end of its pause as well.
            waiting = Delivery.objects.filter(receiver=platform, state=Delivery.State.WAITING)
            waiting.filter(due_at__gt=now).update(due_at=now)
    if row.state != before:
        level = logging.INFO if row.state == EndpointHealth.State.CONNECTED else logging.WARNING
        logger.log(
            level, "the endpoint of platform %s is %s (was %s): %s",
            platform, row.state, before, row.last_error or "it answers",
        )  # fmt: skip
    return _Written(row.state, contact, time.monotonic())


health_notes = HealthNotes()
os.register_at_fork(after_in_child=health_notes.begin_anew)
