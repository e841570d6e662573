"""Load: clients that send HTTP requests made beforehand and time the answers, for little CPU."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Timing:
    """What a load found: how long it took in all, and each answer's seconds in order of sending."""

    seconds: float = 0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Client:
    """One kept connection. Knows as much of HTTP as a server's answer with a length needs."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Sends the request, returns the answer's status and body."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), 30)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more()
        head, _, body = received.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self._more()
        return int(head[9:12]), body

    def _more(self) -> bytes:
        assert self._socket is not None
        part = self._socket.recv(65_536)
        if not part:
            raise ConnectionError("the server hung up")
        return part

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()


def request(path: str, body: bytes, **headers: str) -> bytes:
    """A whole POST request; header names are written with underscores."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def closed_loop(port: int, requests: Sequence[bytes], clients: int) -> Timing:
    """All requests, by so many clients that each send the next when the last was answered."""
    timing = Timing()
    lock = threading.Lock()
    remaining = iter(requests)

    def run() -> None:
        client = Client(port)
        while True:
            with lock:
                message = next(remaining, None)
            if message is None:
                break
            began = time.perf_counter()
            status, _ = client.exchange(message)
            took = time.perf_counter() - began
            with lock:
                timing.latencies.append(took)
                timing.statuses[status] = timing.statuses.get(status, 0) + 1
        client.close()

    began = time.perf_counter()
    _in_threads([run] * clients)
    timing.seconds = time.perf_counter() - began
    return timing


def paced(port: int, requests: Sequence[bytes], rate: float, clients: int) -> Timing:
    """All requests at a rate, whatever the answers take; latency counts from when it was due."""
    timing = Timing()
    lock = threading.Lock()
    numbered = iter(enumerate(requests))
    start = time.perf_counter()

    def run() -> None:
        client = Client(port)
        while True:
            with lock:
                number, message = next(numbered, (-1, b""))
            if number < 0:
                break
            due = start + number / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            status, _ = client.exchange(message)
            took = time.perf_counter() - due
            with lock:
                timing.latencies.append(took)
                timing.statuses[status] = timing.statuses.get(status, 0) + 1
        client.close()

    _in_threads([run] * clients)
    timing.seconds = time.perf_counter() - start
    return timing


def _in_threads(functions: Sequence[object]) -> None:
    failures: list[BaseException] = []

    def guarded(function: object) -> None:
        try:
            function()  # type: ignore[operator]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
