"""A platform's roaming endpoint: an HTTP server that the clearing house calls.

Whoever calls has to present the secret that this platform gave at its registration. A message that
comes twice under one X-Message-ID is answered as it was the first time.
"""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

logger = logging.getLogger(__name__)

Answer = Callable[[bytes], Any]
MOST_BYTES = 64_000_000
REMEMBERED = 100_000


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.1, connections kept, every answer in one packet."""

    protocol_version = "HTTP/1.1"
    server_version = "platform"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 120
    endpoint: RoamingEndpoint

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self.close_connection = True
            self._reply(411 if not length else 413, b"")
            return
        body = self.rfile.read(int(length))
        status, content = self.endpoint.answer(self.path, self.headers, body)
        self._reply(status, content)

    def _reply(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """The journal of the clearing house says it all."""

    def version_string(self) -> str:
        return self.server_version


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.warning("a connection broke off", exc_info=True)


class RoamingEndpoint:
    """Listens on 127.0.0.1 from the moment it is made; `answers` are by path."""

    def __init__(self, port: int, secret: str, answers: Mapping[str, Answer]) -> None:
        self._expected = f"Bearer {secret}".encode()
        self._answers = answers
        self._lock = threading.Lock()
        self._remembered: dict[str, bytes] = {}
        handler = type("Handler", (_Handler,), {"endpoint": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="endpoint", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, headers: Any, body: bytes) -> tuple[int, bytes]:
        """Status and JSON for one message."""
        presented = (headers.get("Authorization") or "").encode()
        if not hmac.compare_digest(presented, self._expected):
            return 401, b'{"error": "not the secret that was given at registration"}'
        handle = self._answers.get(path)
        if handle is None:
            return 404, b'{"error": "no such message"}'
        message_id = headers.get("X-Message-ID") or ""
        with self._lock:
            known = self._remembered.get(message_id) if message_id else None
        if known is not None:
            return 200, known
        try:
            content = msgspec.json.encode(handle(body))
        except msgspec.DecodeError as error:
            logger.warning("%s: not understood: %s", path, error)
            return 400, msgspec.json.encode({"error": str(error)})
        with self._lock:
            if len(self._remembered) >= REMEMBERED:
                self._remembered.pop(next(iter(self._remembered)))
            self._remembered[message_id] = content
        return 200, content
