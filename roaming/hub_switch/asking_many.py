"""Asking many platforms at once: threads, one time budget, and nobody's answer is lost (6.4.1).

The threads touch the database only for what comes after the asker has gone; while they wait they
hold no connection. They start at first use, so that a forked process has its own.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db import connection

from roaming.domain.refusals import Refusal
from roaming.hub_switch.asking import ask_one_of_many
from roaming.models import OperatorIdentifier, RoamingEndpoint
from roaming.ports import Answer, OutgoingMessage

logger = logging.getLogger(__name__)

THREADS = 64


@dataclass(frozen=True, slots=True)
class Addressed:
    """One receiver of the round: its place in the list, its endpoint, and its message."""

    place: int
    receiver: OperatorIdentifier
    endpoint: RoamingEndpoint
    message: OutgoingMessage


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of asking one: its answer, why there is none; None: it was not asked any more."""

    place: int
    outcome: Answer | Refusal | None


class Round:
    """One question to many. Answers are heard in the order of their arrival until `close`; what
    arrives later goes to `too_late`, in the thread that heard it."""

    def __init__(self, too_late: Callable[[Heard], None], listening_s: float) -> None:
        self._too_late = too_late
        self._ends = time.monotonic() + listening_s
        self._listening_s = listening_s
        self._lock = threading.Lock()
        self._open = True
        self._arrived: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self._expected = 0

    def ask(self, addressed: Sequence[Addressed]) -> None:
        """Sends to all. Each is listened to until the round's listening time is over."""
        self._expected = len(addressed)
        for one in addressed:
            _threads().submit(self._ask_one, one)

    def answers(self, budget_s: float) -> Iterator[Heard]:
        """Answers as they arrive, until all have or `budget_s` is over."""
        until = time.monotonic() + budget_s
        for _ in range(self._expected):
            try:
                yield self._arrived.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return

    def close(self) -> list[Heard]:
        """Ends the hearing; returns what had arrived and was not heard yet."""
        with self._lock:
            self._open = False
        rest = []
        while not self._arrived.empty():
            rest.append(self._arrived.get())
        return rest

    def _ask_one(self, one: Addressed) -> None:
        try:
            heard = Heard(one.place, self._outcome(one))
            with self._lock:
                if self._open:
                    self._arrived.put(heard)
                    return
            self._too_late(heard)
        except Exception:
            logger.exception("an answer that came late could not be recorded")
        finally:
            connection.close()

    def _outcome(self, one: Addressed) -> Answer | Refusal | None:
        left = self._ends - time.monotonic()
        # With little time left an honest receiver would look as if it were dead.
        if left < self._listening_s / 2 or not self._open:
            return None
        try:
            return ask_one_of_many(one.endpoint, one.receiver, one.message, left)
        except Refusal as refusal:
            return refusal
        except Exception as unforeseen:
            logger.error("a platform could not be asked", exc_info=unforeseen)
            return Refusal("internal_error", "An unforeseen error was recorded.")


_starting = threading.Lock()
_pools: dict[int, ThreadPoolExecutor] = {}


def _threads() -> ThreadPoolExecutor:
    """This process's pool; threads do not survive a fork, so a child makes its own."""
    with _starting:
        pool = _pools.get(os.getpid())
        if pool is None:
            _pools.clear()
            pool = _pools[os.getpid()] = ThreadPoolExecutor(THREADS, thread_name_prefix="asking")
        return pool


def _forget_lock() -> None:
    """A fork while another thread held the lock would leave it held for ever."""
    global _starting  # noqa: PLW0603
    _starting = threading.Lock()


os.register_at_fork(after_in_child=_forget_lock)
