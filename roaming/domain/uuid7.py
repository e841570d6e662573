"""uuid7 minted with a moment of our choice (RFC 9562, 5.7; storage.md, rule 1)."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

# A broken clock at a charging station must not create a partition in the year 9999.
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
LATEST = datetime(2099, 12, 31, tzinfo=UTC)
_EARLIEST_MS, _LATEST_MS = (int(moment.timestamp() * 1000) for moment in (EARLIEST, LATEST))
_DAY_MS = 86_400_000
LONGEST_AHEAD = timedelta(days=31)


def uuid7_at(moment: datetime, random_bits: int | None = None) -> uuid.UUID:
    """A uuid7 whose time stamp is `moment` (aware), in milliseconds, clamped to 2015..2099.

    `random_bits` (74 bits) are drawn from the system where they are not given.

    >>> key = uuid7_at(datetime(2026, 10, 5, 12, 0, tzinfo=UTC), random_bits=0)
    >>> str(key)
    '01a10bef-6200-7000-8000-000000000000'
    >>> moment_of(key).isoformat()
    '2026-10-05T12:00:00+00:00'
    """
    milliseconds = min(max(int(moment.timestamp() * 1000), _EARLIEST_MS), _LATEST_MS)
    # The system's random numbers as they come: every SDR takes two.
    bits = int.from_bytes(os.urandom(10)) >> 6 if random_bits is None else random_bits
    high, low = bits >> 62, bits & ((1 << 62) - 1)
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def moment_of(key: uuid.UUID) -> datetime:
    """The moment a uuid7 was minted with, UTC, to the millisecond."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, UTC)


def period_of(key: uuid.UUID) -> date:
    """The UTC month of the id, as its first day: the storage period of a hot row.

    >>> period_of(uuid7_at(datetime(2026, 10, 5, tzinfo=UTC)))
    datetime.date(2026, 10, 1)
    """
    return _month_of((key.int >> 80) // _DAY_MS)


def key_of_session(started_at: datetime | None, now: datetime) -> uuid.UUID:
    """The key of a row about a session that a party dates: no later than a month from now.

    Months are made ahead of time, so a charging station's broken clock must not name a later one.

    >>> autumn = datetime(2026, 10, 5, tzinfo=UTC)
    >>> moment_of(key_of_session(datetime(2031, 1, 1, tzinfo=UTC), autumn)).isoformat()
    '2026-11-05T00:00:00+00:00'
    """
    return uuid7_at(min(started_at or now, now + LONGEST_AHEAD))


def first_of_month(moment: datetime) -> date:
    """The UTC month of a moment, as its first day."""
    return moment.astimezone(UTC).date().replace(day=1)


def month_after(month: date) -> date:
    """
    >>> month_after(date(2026, 12, 1))
    datetime.date(2027, 1, 1)
    """
    return (month + timedelta(days=32)).replace(day=1)


@lru_cache(maxsize=1024)
def _month_of(day: int) -> date:
    """The first of the month that holds a day, counted from 1970."""
    return (date(1970, 1, 1) + timedelta(days=day)).replace(day=1)
