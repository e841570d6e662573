"""What a platform does later: results of commands, the next report of a session, coming back."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from roaming.simulator.platform_hub import HubUnreachableError, StoppedError

logger = logging.getLogger(__name__)

Action = Callable[[], object]
"""What comes of it is nobody's business here."""


class Later:
    """Real time, a few threads. What fails is told to `failed` and harms nothing else."""

    def __init__(self, threads: int, failed: Callable[[str], None]) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="later")
        self._failed = failed
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Action]] = []
        self._numbers = count()
        self._under_way = 0
        self._stopped = False
        threading.Thread(target=self._run, name="timer", daemon=True).start()

    def after(self, seconds: float, action: Action) -> None:
        """Do this in so many seconds; dropped where everything has been stopped."""
        with self._changed:
            if self._stopped:
                return
            due = time.monotonic() + max(seconds, 0)
            heapq.heappush(self._heap, (due, next(self._numbers), action))
            self._changed.notify_all()

    def wait_idle(self, timeout_s: float) -> bool:
        """Waits until nothing is planned or under way; whether that came in time."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._stopped or not (self._heap or self._under_way), timeout_s
            )

    def stop(self) -> None:
        """Drops what is planned and lets what is under way end."""
        with self._changed:
            self._stopped = True
            self._heap.clear()
            self._changed.notify_all()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopped:
                    return
                if not self._heap:
                    self._changed.wait()
                    continue
                wait = self._heap[0][0] - time.monotonic()
                if wait > 0:
                    self._changed.wait(wait)
                    continue
                action = heapq.heappop(self._heap)[2]
                self._under_way += 1
                self._pool.submit(self._do, action)

    def _do(self, action: Action) -> None:
        try:
            action()
        except StoppedError:
            pass
        except HubUnreachableError as error:
            self._failed(str(error))
        except Exception as error:
            logger.exception("unforeseen")
            self._failed(f"{type(error).__name__}: {error}")
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()
