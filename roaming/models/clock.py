"""The one business clock (house.md): real time, or a settable one in a test environment.

Edges, the beat and the simulators ask it; everything below takes `now` as an argument.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

_RELOAD_AFTER_S = 0.1


class BusinessClock(models.Model):
    """At most one row: from `started_real` on, business time runs `speed` times as fast.

    It never passes `ceiling`, so that whoever replays a month can let every party catch up before
    the next day begins. Ignored unless CLEARINGHOUSE_BUSINESS_CLOCK_SETTABLE is on.
    """

    id = models.BooleanField(primary_key=True, default=True)
    started_real = models.DateTimeField()
    started_business = models.DateTimeField()
    speed = models.FloatField(help_text="Business seconds per real second.")
    ceiling = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=True), name="one_business_clock"),
            models.CheckConstraint(condition=models.Q(speed__gte=0), name="clock_runs_forward"),
        ]

    def __str__(self) -> str:
        return f"{self.started_business:%Y-%m-%d %H:%M} × {self.speed}"


@dataclass
class _Reading:
    """What this process last read of the row, so that a message does not cost a query for it."""

    row: BusinessClock | None = None
    read_at: float = float("-inf")


_reading = _Reading()


def business_now() -> datetime:
    """The business moment, aware, UTC. Real time unless the clock is settable and was set."""
    real = timezone.now()
    if not settings.BUSINESS_CLOCK_SETTABLE:
        return real
    if time.monotonic() - _reading.read_at > _RELOAD_AFTER_S:
        _reading.row = BusinessClock.objects.first()
        _reading.read_at = time.monotonic()
    row = _reading.row
    if row is None:
        return real
    return min(row.started_business + (real - row.started_real) * row.speed, row.ceiling)


def set_business_clock(now: datetime, *, speed: float, ceiling: datetime) -> None:
    """Set the clock to `now` (aware), running at `speed` up to `ceiling`; tests only."""
    if not settings.BUSINESS_CLOCK_SETTABLE:
        raise RuntimeError("the business clock is settable in test environments only")
    BusinessClock.objects.update_or_create(
        id=True,
        defaults={
            "started_real": timezone.now(),
            "started_business": now,
            "speed": speed,
            "ceiling": max(ceiling, now),
        },
    )
    forget_reading()


def forget_reading() -> None:
    """Makes the next `business_now` of this process read the row again."""
    _reading.row, _reading.read_at = None, float("-inf")
