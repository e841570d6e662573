"""How much one platform may send, and how often an address may fail to say who it is (5.4.1).

Counted by the minute. With CLEARINGHOUSE_RATE_LIMIT_URL (by itself the broker, where that is Redis)
all processes count together and the limits are exact. Each process also counts by itself, in its
own cache: that is what holds without Redis, and while it is away.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from roaming.api.callers import address_of
from roaming.api.shared_counts import SharedCounts
from roaming.models import Platform

logger = logging.getLogger(__name__)

WINDOW_S = 60
_META = "clearinghouse.rate"


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of this minute's allowance is used up, and when the next one begins."""

    limit: int
    used: int
    resets_in_s: int

    @property
    def exceeded(self) -> bool:
        return self.used > self.limit

    def tell(self, response: HttpResponseBase) -> None:
        """Sets the headers of the IETF draft "RateLimit header fields for HTTP"."""
        left = max(self.limit - self.used, 0)
        response["RateLimit-Policy"] = f'"platform";q={self.limit};w={WINDOW_S}'
        response["RateLimit"] = f'"platform";r={left};t={self.resets_in_s}'


class PlatformRate(BaseThrottle):
    """Refuses `rate_limited` beyond the platform's limit, or the one of the settings."""

    standing: Standing

    def allow_request(self, request: Request, view: Any) -> bool:
        platform = request.user
        if not isinstance(platform, Platform):
            return True
        limit = platform.messages_per_minute or settings.MESSAGES_PER_MINUTE
        if not limit:
            return True
        standing = count(f"messages:{platform.pk}", limit)
        request.META[_META] = standing
        self.standing = standing
        return not standing.exceeded

    def wait(self) -> float:
        return self.standing.resets_in_s


def standing_of(request: HttpRequest) -> Standing | None:
    """What the limit says of this request's platform; None where nothing was counted."""
    return request.META.get(_META)


def check_failures(request: Request) -> None:
    """Refuses `rate_limited` where the caller's address has failed too often in this minute."""
    limit = settings.FAILED_AUTHENTICATIONS_PER_MINUTE
    if limit and _used(_failures(request)) >= limit:
        raise Throttled(_left_of_the_minute())


def note_failure(request: Request) -> None:
    """Counts a failed authentication of the caller's address; refuses beyond the limit.

    Only failures are held up here. Who presents a valid credential gets through even where others
    fail behind the same address: a token of 256 random bits is not guessed, so the limit is there
    for the load, and it must not become a way of locking a partner out.
    """
    limit = settings.FAILED_AUTHENTICATIONS_PER_MINUTE
    if limit and count(_failures(request), limit).exceeded:
        raise Throttled(_left_of_the_minute())


def _failures(request: Request) -> str:
    return f"failures:{address_of(request)}"


def count(what: str, limit: int) -> Standing:
    """Counts one more of `what` in this minute."""
    key = _key(what)
    own = _count_here(key)
    together = shared.add(key, 2 * WINDOW_S) if (shared := _shared_counts()) else None
    # A Redis that was started anew has forgotten; this process has not.
    return Standing(limit, max(own, together or 0), _left_of_the_minute())


def _count_here(key: str) -> int:
    try:
        try:
            return cache.incr(key)
        except ValueError:  # the first of this minute
            cache.add(key, 0, timeout=2 * WINDOW_S)
            return cache.incr(key)
    except Exception:
        logger.exception("the cache did not count")
        return 0


def _used(what: str) -> int:
    key = _key(what)
    together = shared.read(key) if (shared := _shared_counts()) else None
    try:
        return max(int(cache.get(key, 0)), together or 0)
    except Exception:
        logger.exception("the cache did not answer")
        return together or 0


def _shared_counts() -> SharedCounts | None:
    return _shared_counts_at(settings.RATE_LIMIT_URL) if settings.RATE_LIMIT_URL else None


@lru_cache(4)
def _shared_counts_at(url: str) -> SharedCounts:
    return SharedCounts(url)


def _key(what: str) -> str:
    return f"rate:{what}:{_now_s() // WINDOW_S}"


def _left_of_the_minute() -> int:
    return WINDOW_S - _now_s() % WINDOW_S


def _now_s() -> int:
    return int(time.time())
