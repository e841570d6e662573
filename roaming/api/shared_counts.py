"""Counts that all processes share, in Redis or Valkey (5.4.1); each asks it in one round trip.

When it is away nobody waits for it: it is left alone for a few seconds, then tried again, and the
log says once that it went and once that it is back. Meanwhile the caller counts by itself.
"""

from __future__ import annotations

import logging
import time

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

TIMEOUT_S = 0.25
PAUSE_S = 5.0
# A count ends by itself. Setting its end with the first keeps one that lost it from living forever.
_COUNT = """
local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return used
"""


class SharedCounts:
    """Counts by key on the server at `url`; None instead of a number while it is away."""

    def __init__(self, url: str, *, pause_s: float = PAUSE_S) -> None:
        self._client = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            # A connection that was idle may be dead: once more, at once.
            retry=Retry(NoBackoff(), 1),
        )
        self._count = self._client.register_script(_COUNT)
        self._pause_s = pause_s
        self._away_until: float | None = None

    def add(self, key: str, life_s: int) -> int | None:
        """Counts one more; the count ends `life_s` seconds after its first."""
        if self._is_left_alone():
            return None
        try:
            used = int(self._count(keys=[key], args=[life_s]))
        except (RedisError, OSError) as error:
            self._note_away(error)
            return None
        self._note_back()
        return used

    def read(self, key: str) -> int | None:
        """The count as it stands; 0 where nothing was counted."""
        if self._is_left_alone():
            return None
        try:
            used = int(self._client.get(key) or 0)
        except (RedisError, OSError) as error:
            self._note_away(error)
            return None
        self._note_back()
        return used

    def _is_left_alone(self) -> bool:
        if self._away_until is None:
            return False
        if time.monotonic() < self._away_until:
            return True
        # This caller tries it; the others need not wait for what comes of it.
        self._away_until = time.monotonic() + self._pause_s
        return False

    def _note_away(self, error: Exception) -> None:
        if self._away_until is None:
            logger.warning("no shared counts, each process counts for itself: %s", error)
        self._away_until = time.monotonic() + self._pause_s

    def _note_back(self) -> None:
        if self._away_until is not None:
            self._away_until = None
            logger.warning("shared counts are back: all processes count together again")
