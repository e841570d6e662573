"""Servers for a measurement: started on a free port, waited for, stopped; and the CPU they use."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PYTHON = (sys.executable,)
TICK_S = 1 / _TICKS_PER_S  # what `cpu_seconds` cannot tell from nothing


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens, and its first process."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def granian(
    application: str, *, threads: int, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A WSGI application in the product's web server: one worker of so many threads."""
    with server(
        ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", "{port}",
         "--workers", "1", "--blocking-threads", str(threads), "--backpressure", "512",
         "--no-ws", "--log-level", "error", application],
        environment,
    ) as running:  # fmt: skip
        yield running


@contextmanager
def server(
    arguments: Iterable[str],
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = PYTHON,
) -> Iterator[Server]:
    """A process that listens on a free port, which stands for `{port}` in its arguments."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [argument.format(port=port) for argument in arguments]
    with process(words, environment, program) as running:
        _wait_for(port, running)
        yield Server(port, running.pid)


@contextmanager
def process(
    arguments: Iterable[str],
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = PYTHON,
    stop_by: signal.Signals = signal.SIGTERM,
    pipes: int | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the project's folder; stopped at the end, if it has not ended by then."""
    running = subprocess.Popen(
        [*program, *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=pipes,
        stdout=pipes,
    )
    try:
        yield running
    finally:
        running.send_signal(stop_by)
        running.wait(30)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError("the server ended at once")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server does not listen")


@contextmanager
def halted(pid: int) -> Iterator[None]:
    """A process and all below it stand still inside the block."""
    pids = _tree([pid])
    for one in pids:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in pids:
            os.kill(one, signal.SIGCONT)


def cpu_seconds(*pids: int) -> float:
    """CPU that these processes and everything below them have used, those that ended included."""
    return sum(_tree(pids).values()) / _TICKS_PER_S


def _tree(pids: Iterable[int]) -> dict[int, int]:
    """These processes and everything below them, each with the ticks that it has used."""
    children: dict[int, list[int]] = {}
    used: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended a moment ago
        pid = int(entry.name)
        children.setdefault(int(fields[1]), []).append(pid)
        used[pid] = sum(map(int, fields[11:15]))
    found, waiting = {}, list(pids)
    while waiting:
        pid = waiting.pop()
        found[pid] = used.get(pid, 0)
        waiting += children.get(pid, ())
    return found
