"""A platform's roaming endpoint: an HTTP server that the clearing house calls.

Whoever calls has to present the secret that this platform gave at its registration. A message that
comes twice under one X-Message-ID is answered as it was the first time.
"""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Callable, Mapping
from email.message import Message as Headers
from typing import Any

import msgspec

from roaming.simulator.endpoint_server import EndpointServer, HttpAnswer

logger = logging.getLogger(__name__)

Answer = Callable[[bytes], Any]
REMEMBERED = 100_000


class RoamingEndpoint:
    """Listens on 127.0.0.1 from the moment it is made; `answers` are by path."""

    def __init__(self, port: int, secret: str, answers: Mapping[str, Answer]) -> None:
        self._secret = secret
        self._answers = answers
        self._lock = threading.Lock()
        self._remembered: dict[str, bytes] = {}
        self._server = EndpointServer("127.0.0.1", port, self.answer)

    @property
    def url(self) -> str:
        return self._server.url

    def close(self) -> None:
        """Stops listening."""
        self._server.close()

    def answer(self, path: str, headers: Headers, body: bytes) -> HttpAnswer:
        """Status and JSON for one message."""
        if not presents(headers, self._secret):
            return turned_away()
        handle = self._answers.get(path)
        if handle is None:
            return HttpAnswer(404, b'{"error": "no such message"}')
        message_id = headers.get("X-Message-ID") or ""
        with self._lock:
            known = self._remembered.get(message_id) if message_id else None
        if known is not None:
            return HttpAnswer(200, known)
        try:
            content = msgspec.json.encode(handle(body))
        except msgspec.DecodeError as error:
            logger.warning("%s: not understood: %s", path, error)
            return HttpAnswer(400, msgspec.json.encode({"error": str(error)}))
        with self._lock:
            if len(self._remembered) >= REMEMBERED:
                self._remembered.pop(next(iter(self._remembered)))
            self._remembered[message_id] = content
        return HttpAnswer(200, content)


def presents(headers: Headers, secret: str) -> bool:
    """Whether the caller shows the secret that was given at the registration."""
    presented = (headers.get("Authorization") or "").encode()
    return hmac.compare_digest(presented, f"Bearer {secret}".encode())


def turned_away() -> HttpAnswer:
    """The answer to who does not."""
    return HttpAnswer(401, b'{"error": "not the secret that was given at registration"}')
