"""Who or what is busy when: nobody charges at two places, no EVSE charges two vehicles."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta


class Occupancy:
    """Intervals by key, kept apart by at least `gap`."""

    def __init__(self, gap: timedelta) -> None:
        self._gap = gap
        self._taken: dict[str, list[tuple[datetime, datetime]]] = {}

    def free(self, key: str, start: datetime, end: datetime) -> bool:
        """Whether `key` is free from `start` to `end`, and for the gap around them."""
        taken = self._taken.get(key)
        if not taken:
            return True
        place = bisect_right(taken, (start, end))
        before_ok = place == 0 or taken[place - 1][1] + self._gap <= start
        after_ok = place == len(taken) or end + self._gap <= taken[place][0]
        return before_ok and after_ok

    def take(self, key: str, start: datetime, end: datetime) -> None:
        """Book the interval; the caller has asked `free` before."""
        taken = self._taken.setdefault(key, [])
        taken.insert(bisect_right(taken, (start, end)), (start, end))
