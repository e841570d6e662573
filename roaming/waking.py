"""Waking a worker as soon as rows wait for it, instead of at the next tick of the clock.

The rows hold the work: a wake-up that is lost loses nothing, the beat finds them. One thread sends
for the whole process, after the COMMIT, at most a few wake-ups a second, however many rows come.
"""

from __future__ import annotations

import logging
import threading
import time

from celery import current_app
from django.conf import settings
from django.db import transaction

logger = logging.getLogger(__name__)

# Named, not imported: what reconciles is a matter of the app above.
EVIDENCE_CAME = "settlement.tasks.reconcile_due"
_PAUSE_S = 0.2
_EXPIRES_S = 5


def wake_after_commit(task: str = EVIDENCE_CAME) -> None:
    """Wakes a worker for this task once the caller's transaction stands; not if it is undone."""
    if settings.WAKE_WORKERS:
        transaction.on_commit(lambda: _bell.ring(task), robust=True)


class _Bell:
    """Sends what was asked for; more of the same that is asked for meanwhile is sent once."""

    def __init__(self) -> None:
        self._asked: set[str] = set()
        self._something = threading.Condition()
        self._thread: threading.Thread | None = None

    def ring(self, task: str) -> None:
        with self._something:
            self._asked.add(task)
            if self._thread is None or not self._thread.is_alive():  # the first, or after a fork
                self._thread = threading.Thread(target=self._send, name="wake-ups", daemon=True)
                self._thread.start()
            self._something.notify()

    def _send(self) -> None:
        while True:
            with self._something:
                while not self._asked:
                    self._something.wait()
                tasks, self._asked = self._asked, set()
            for task in sorted(tasks):
                try:
                    current_app.send_task(task, expires=_EXPIRES_S)
                except Exception:
                    logger.warning("no worker was woken for %s; the clock will", task)
            time.sleep(_PAUSE_S)


_bell = _Bell()
