"""Connections to platforms: kept open per receiver, the last one used first, one deadline for all.

A time-out of a socket counts per read, so a peer that answers drop by drop could hold a thread for
ever: here what is left of the exchange's time is set anew before every read.
"""

from __future__ import annotations

import io
import os
import socket
import ssl
import threading
import time
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPResponse
from select import POLLIN, poll
from typing import Any
from urllib.parse import urlsplit

from roaming.api.outward import open_socket

IDLE_PER_PEER, PEERS = 16, 1_000


@dataclass(frozen=True, slots=True)
class Peer:
    """Where to connect: the origin of a roaming endpoint, and the path below which it takes."""

    tls: bool
    host: str
    port: int
    prefix: str

    @property
    def name(self) -> str:
        """What stands in the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


@lru_cache(PEERS)
def peer_of(url: str) -> Peer:
    """The peer of an endpoint's address. ValueError where it cannot be read."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the address is no http URL")
    tls = parts.scheme == "https"
    port = parts.port if parts.port is not None else 443 if tls else 80
    return Peer(tls, parts.hostname, port, parts.path.rstrip("/"))


class TooLarge(Exception):  # noqa: N818  what the peer did, not a fault of ours
    """The answer is larger than what is read."""


class _Reading(io.RawIOBase):
    """A socket as http.client reads it, until the deadline. Closing it leaves the socket open."""

    def __init__(self, sock: socket.socket, ends: float) -> None:
        self._socket = sock
        self._ends = ends

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        self._socket.settimeout(left(self._ends))
        return self._socket.recv_into(buffer)


def left(ends: float) -> float:
    """Seconds until the monotonic moment `ends`. TimeoutError where there are none."""
    seconds = ends - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


class Connection:
    """One connection to a peer."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.answering = False  # whether the present exchange has got as far as an answer
        self.reusable = True

    def exchange(self, request: bytes, ends: float, largest: int) -> tuple[int, bytes]:
        """Sends a whole request, reads the whole answer: its status and body.

        TimeoutError at the moment `ends`; OSError, HTTPException or TooLarge else.
        """
        self.answering = self.reusable = False
        self._socket.settimeout(left(ends))
        self._socket.sendall(request)
        response = HTTPResponse(_Reading(self._socket, ends), method="POST")  # type: ignore[arg-type]
        with response:
            response.begin()
            self.answering = True
            body = response.read(largest + 1)
            if len(body) > largest:
                raise TooLarge
            if response.length:
                raise ConnectionResetError("it hung up before the end of its answer")
            self.reusable = response.isclosed() and not response.will_close
        return response.status, body

    def is_quiet(self) -> bool:
        """Nothing has come since the last answer; a peer that hung up makes it readable."""
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return False
        waiting = poll()
        waiting.register(self._socket, POLLIN)
        return not waiting.poll(0)

    def hang_up(self) -> None:
        self._socket.close()


class Connections:
    """Idle connections by peer. Never shared with a forked process, which begins with none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: OrderedDict[tuple[bool, str, int], list[Connection]] = OrderedDict()
        weakref.finalize(self, _hang_up, self._idle)
        _of_this_process.add(self)

    def take(self, peer: Peer) -> Connection | None:
        """The idle connection that was used last, or None where there is none that still stands."""
        with self._lock:
            stack = self._idle.get((peer.tls, peer.host, peer.port))
            while stack:
                connection = stack.pop()
                if connection.is_quiet():
                    return connection
                connection.hang_up()
        return None

    def give_back(self, peer: Peer, connection: Connection) -> None:
        """Keeps it for the next exchange, if it can have one."""
        if connection.reusable and self._keep(peer, connection):
            return
        connection.hang_up()

    def _keep(self, peer: Peer, connection: Connection) -> bool:
        key = (peer.tls, peer.host, peer.port)
        with self._lock:
            stack = self._idle.setdefault(key, [])
            self._idle.move_to_end(key)
            if len(self._idle) > PEERS:
                _, oldest = self._idle.popitem(last=False)
                for forgotten in oldest:
                    forgotten.hang_up()
            if len(stack) >= IDLE_PER_PEER:
                return False
            stack.append(connection)
            return True

    def begin_anew(self) -> None:
        """In a forked process: the connections are the parent's, and so is who held its lock."""
        self._lock = threading.Lock()
        _hang_up(self._idle)


def _hang_up(idle: OrderedDict[tuple[bool, str, int], list[Connection]]) -> None:
    while idle:
        for connection in idle.popitem()[1]:
            connection.hang_up()


def _begin_anew() -> None:
    for connections in list(_of_this_process):
        connections.begin_anew()


_of_this_process: weakref.WeakSet[Connections] = weakref.WeakSet()
os.register_at_fork(after_in_child=_begin_anew)


def connect(peer: Peer, ends: float) -> Connection:
    """A fresh connection, with TLS where the address says so. OSError, TimeoutError."""
    return Connection(open_socket(peer.host, peer.port, tls=peer.tls, ends=ends))
