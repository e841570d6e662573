"""Live questions under way in this process: how many, to whom, and to whom none for now (6.4.1).

One receiver that is slow or dead must not take the clearing house with it. Each receiver has at
most a share of the places (bulkhead), all together at most a cap, and one that failed several times
in a row is left alone for a pause, after which a single question is its probe (circuit breaker).
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings

from roaming.domain.refusals import Refusal

logger = logging.getLogger(__name__)

_LONGEST_PAUSE_S = 60


@dataclass(slots=True)
class _Receiver:
    """What this process knows of one platform. `open_until` is set while the breaker is open."""

    under_way: int = 0
    failures: int = 0
    pauses: int = 0
    open_until: float | None = None
    probed: bool = False


@dataclass(slots=True)
class Place:
    """A question's place. Whoever asks says what became of it; silence says nothing.

    `of_many`: the question is one of a round, which has its own place among all.
    """

    probe: bool
    of_many: bool = False
    alive: bool | None = None


@dataclass(slots=True)
class LiveQuestions:
    """Thread-safe. Limits are read from the settings at each use."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _receivers: dict[int, _Receiver] = field(default_factory=dict)
    _under_way: int = 0

    @contextmanager
    def place(self, platform: int, name: str, *, of_many: bool = False) -> Iterator[Place]:
        """A place for one question to the platform that `name` is known by.

        Refuses receiver_offline, receiver_overloaded and overloaded, at once.
        """
        taken = self._take(platform, name, of_many)
        try:
            yield taken
        finally:
            self._leave(platform, taken)

    @contextmanager
    def place_of_a_round(self) -> Iterator[None]:
        """A place for a question to many: it holds one web thread, however many are asked.

        Refuses overloaded, at once.
        """
        with self._lock:
            self._check_cap()
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def _check_cap(self) -> None:
        if self._under_way >= settings.LIVE_QUESTIONS_AT_ONCE:
            raise Refusal("overloaded", "Too many live questions are under way.")

    def _take(self, platform: int, name: str, of_many: bool) -> Place:
        with self._lock:
            receiver = self._receivers.setdefault(platform, _Receiver())
            probe = receiver.open_until is not None
            if receiver.open_until is not None and (
                receiver.probed or time.monotonic() < receiver.open_until
            ):
                raise Refusal("receiver_offline", f"{name} has not answered for a while.")
            if receiver.under_way >= settings.LIVE_QUESTIONS_PER_RECEIVER:
                raise Refusal("receiver_overloaded", f"{name} has too many questions before it.")
            if not of_many:
                self._check_cap()
                self._under_way += 1
            receiver.probed = probe
            receiver.under_way += 1
        return Place(probe, of_many)

    def _leave(self, platform: int, place: Place) -> None:
        with self._lock:
            receiver = self._receivers[platform]
            receiver.under_way -= 1
            self._under_way -= not place.of_many
            if place.probe:
                receiver.probed = False
            if place.alive:
                closes = receiver.open_until is not None
                receiver.failures, receiver.pauses, receiver.open_until = 0, 0, None
                if closes:
                    logger.info("platform %s answers again", platform)
            elif place.alive is not None:
                receiver.failures += 1
                self._judge(platform, receiver, place)

    def _judge(self, platform: int, receiver: _Receiver, place: Place) -> None:
        """Opens the breaker after enough failures in a row, and again after a probe that failed."""
        is_open = receiver.open_until is not None
        if place.probe or (not is_open and receiver.failures >= settings.BREAKER_FAILURES):
            longest = min(_LONGEST_PAUSE_S, settings.BREAKER_PAUSE_S * 2 ** min(receiver.pauses, 8))
            pause = random.uniform(longest / 2, longest)  # noqa: S311  jitter is no secret
            receiver.open_until = time.monotonic() + pause
            receiver.pauses += 1
            if not is_open:
                logger.warning("platform %s does not answer; it is left alone", platform)

    def begin_anew(self) -> None:
        """Forgets everything: in a forked process, and between tests."""
        self._lock = threading.Lock()
        self._receivers, self._under_way = {}, 0


live_questions = LiveQuestions()
os.register_at_fork(after_in_child=live_questions.begin_anew)
