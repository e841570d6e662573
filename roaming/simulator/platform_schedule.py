"""What a platform has to do at which business moment, done by a few threads.

Nothing is done before its moment. Things that belong to one session follow each other because each
plans the next when it is done.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from itertools import count

Action = Callable[[], None]


class Schedule:
    """A queue by time, and the threads that work through it."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="send")
        self._threads = threads
        self._changed = threading.Condition()
        self._waiting: list[tuple[datetime, int, Action]] = []
        self._numbers = count()
        self._under_way = 0
        self._failure: BaseException | None = None

    def plan(self, moment: datetime, action: Action) -> None:
        """Do this at this moment, or at once where it has passed."""
        with self._changed:
            heapq.heappush(self._waiting, (moment, next(self._numbers), action))
            self._changed.notify_all()

    def release(self, now: datetime) -> None:
        """Hands over to the threads everything whose moment has come."""
        with self._changed:
            while self._waiting and self._waiting[0][0] <= now:
                _, _, action = heapq.heappop(self._waiting)
                self._under_way += 1
                self._pool.submit(action).add_done_callback(self._done)

    def next_moment(self) -> datetime | None:
        """When the next thing is to be done; None where nothing is planned."""
        with self._changed:
            return self._waiting[0][0] if self._waiting else None

    def wait(self, seconds: float) -> None:
        """Waits until something is planned or done, at most so long. Raises what an action did."""
        with self._changed:
            if self._failure is None:
                self._changed.wait(seconds)
            if self._failure is not None:
                raise self._failure

    def wait_for_room(self) -> None:
        """Waits while the threads have more to do than they are. Raises what an action did."""
        with self._changed:
            while self._under_way > self._threads and self._failure is None:
                self._changed.wait(0.5)
            if self._failure is not None:
                raise self._failure

    def settled(self, until: datetime) -> bool:
        """Whether everything up to this moment is done. Raises what an action did."""
        with self._changed:
            if self._failure is not None:
                raise self._failure
            due = bool(self._waiting) and self._waiting[0][0] <= until
            return not due and not self._under_way

    def close(self) -> None:
        """Drops what waits and lets what is under way end."""
        with self._changed:
            self._waiting.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _done(self, future: Future[None]) -> None:
        with self._changed:
            self._under_way -= 1
            if not future.cancelled() and future.exception() is not None:
                self._failure = self._failure or future.exception()
            self._changed.notify_all()
