"""The HTTP server of a roaming endpoint: one function answers; it can be taken offline and back.

Offline means what it means in the field: nobody listens, and every open connection is cut.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message as Headers
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

logger = logging.getLogger(__name__)

MOST_BYTES = 64_000_000
_TRICKLE_S = 0.2


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status and JSON; or what a broken platform does instead.

    `hang_up` closes the connection without a word, `raw` sends the content as it is, which is no
    HTTP, `trickle` sends it byte by byte, too slowly for anybody to wait.
    """

    status: int
    content: bytes = b""
    hang_up: bool = False
    raw: bool = False
    trickle: bool = False


Answering = Callable[[str, Headers, bytes], HttpAnswer]


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.1, connections kept, every answer in one packet."""

    protocol_version = "HTTP/1.1"
    server_version = "platform"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 120
    answering: Answering
    stopped: threading.Event

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self.close_connection = True
            self._reply(HttpAnswer(411 if not length else 413))
            return
        body = self.rfile.read(int(length))
        answer = type(self).answering(self.path, self.headers, body)
        if answer.hang_up or answer.raw:
            self.close_connection = True
        if answer.raw:
            self.wfile.write(answer.content)
        elif not answer.hang_up:
            self._reply(answer)

    def _reply(self, answer: HttpAnswer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if answer.trickle:
            self._trickle(answer.content)
        else:
            self.wfile.write(answer.content)

    def _trickle(self, content: bytes) -> None:
        for number in content:
            self.wfile.write(bytes([number]))
            self.wfile.flush()
            if self.stopped.wait(_TRICKLE_S):
                return

    def log_message(self, format: str, *args: Any) -> None:
        """The journal of the clearing house says it all."""

    def version_string(self) -> str:
        return self.server_version


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[_Handler]) -> None:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def cut_connections(self) -> None:
        """Ends every open connection, also under whoever is answering on it."""
        with self._lock:
            connections, self._open = self._open, set()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.info("a connection broke off", exc_info=True)


class EndpointServer:
    """Listens from the moment it is made. Port 0 takes any free one and keeps it."""

    def __init__(self, host: str, port: int, answering: Answering) -> None:
        self._stopped = threading.Event()
        attributes = {"answering": staticmethod(answering), "stopped": self._stopped}
        self._handler = type("Handler", (_Handler,), attributes)
        self._lock = threading.Lock()
        self._place: socket.socket | None = None
        self._server: _Server | None = None
        self._host, self.port = host, port
        self._listen()

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self.port}"

    @property
    def online(self) -> bool:
        return self._server is not None

    def go_offline(self) -> None:
        """Stops listening and cuts what is open; the port stays ours."""
        with self._lock:
            if self._server is None:
                return
            self._end_server()
            # Bound, but nobody listens: a connection is refused, and no other process gets it.
            place = socket.socket()
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                place.bind((self._host, self.port))
            except OSError:
                place.close()
                return
            self._place = place

    def go_online(self) -> None:
        """Listens again at the same address. OSError where the port is taken."""
        with self._lock:
            if self._server is None and not self._stopped.is_set():
                if self._place is not None:
                    self._place.close()
                    self._place = None
                self._listen()

    def close(self) -> None:
        """Stops for good."""
        self._stopped.set()
        with self._lock:
            if self._server is not None:
                self._end_server()
            if self._place is not None:
                self._place.close()

    def _listen(self) -> None:
        server = _Server((self._host, self.port), self._handler)
        self.port = int(server.server_address[1])
        self._server = server
        threading.Thread(
            target=server.serve_forever, args=(0.05,), name="endpoint", daemon=True
        ).start()

    def _end_server(self) -> None:
        assert self._server is not None
        server, self._server = self._server, None
        server.shutdown()
        server.server_close()
        server.cut_connections()
