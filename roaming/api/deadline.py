"""A deadline for a whole exchange: urllib3's time-outs count per read, so a drip-feeding peer
could hold a thread for ever. At the deadline the socket is shut down under whoever reads from it.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import socket
import threading
import time
from types import TracebackType
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

_using = threading.local()


class _Noted:
    """Tells the sending thread's deadline which connection it is on."""

    def request(self, *arguments: Any, **options: Any) -> None:
        _using.deadline.connection = self
        super().request(*arguments, **options)  # type: ignore[misc]


class _Plain(_Noted, HTTPConnection):
    pass


class _Tls(_Noted, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


def pools(**options: Any) -> PoolManager:
    """Connection pools whose exchanges can be cut off by a `Deadline`."""
    manager = PoolManager(**options)
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
    return manager


class Deadline:
    """`with Deadline(seconds) as deadline:` around one exchange; `passed` says it was cut off."""

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds
        self.connection: Any = None
        self.passed = False
        self.over = False

    def __enter__(self) -> Deadline:
        _using.deadline = self
        _watchdog.watch(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over = True

    def cut(self) -> None:
        """Called by the watchdog when the time is up."""
        if self.over:
            return
        self.passed = True
        sock = getattr(self.connection, "sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class _Watchdog:
    """One thread for all deadlines of the process, started at first use (never before a fork)."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._heap: list[tuple[float, int, Deadline]] = []
        self._order = itertools.count()
        self._thread: threading.Thread | None = None

    def watch(self, deadline: Deadline) -> None:
        with self._condition:
            heapq.heappush(self._heap, (deadline.ends, next(self._order), deadline))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif self._heap[0][2] is deadline:
                self._condition.notify()

    def _run(self) -> None:
        while True:
            with self._condition:
                while self._heap and self._heap[0][2].over:
                    heapq.heappop(self._heap)
                if not self._heap:
                    self._condition.wait(60)
                    continue
                wait = self._heap[0][0] - time.monotonic()
                if wait > 0:
                    self._condition.wait(wait)
                    continue
                due = heapq.heappop(self._heap)[2]
            due.cut()


_watchdog = _Watchdog()
