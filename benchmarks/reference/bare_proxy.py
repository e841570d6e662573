"""What switching is measured against: passes a body on to one address and its answer back.

No credentials, no rights, no journal; the same web server and the same kind of kept connections.
"""

from __future__ import annotations

import http.client
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

_HOST, _PORT = "127.0.0.1", int(os.environ.get("RECEIVER_PORT", "0"))
_HEADERS = {"Content-Type": "application/json"}


class _Pool:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = http.client.HTTPConnection(_HOST, _PORT, timeout=10)
        connection.request("POST", path, body, _HEADERS)
        response = connection.getresponse()
        content = response.read()
        with self._lock:
            self._idle.append(connection)
        return response.status, content


_pool = _Pool()


def application(
    environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], Any]
) -> Iterable[bytes]:
    """WSGI: the path and the body go on as they are."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    status, content = _pool.post(environ["PATH_INFO"], body)
    start_response(
        f"{status} OK",
        [("Content-Type", "application/json"), ("Content-Length", str(len(content)))],
    )
    return [content]
