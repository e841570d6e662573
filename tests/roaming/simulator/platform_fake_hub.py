"""A clearing house for tests of the platforms: a real HTTP server with a clock that tests turn."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]


@dataclass
class Heard:
    """One message, and what the clock said when it came."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes
    at: datetime

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.raw.splitlines()]


@dataclass
class FakeHub:
    """Accepts everything; `overrides` answer first: None leaves it to the ordinary answer."""

    url: str = ""
    now: datetime = datetime(2026, 10, 1, tzinfo=UTC)
    heard: list[Heard] = field(default_factory=list)
    overrides: list[Callable[[Heard], Answer | None]] = field(default_factory=list)

    def messages(self, path: str) -> list[Heard]:
        """Those whose address ends so, in their order."""
        return [message for message in self.heard if message.path.endswith(path)]

    def answer(self, message: Heard) -> Answer:
        if message.path == "/api/v1/clock":
            return 200, {"now": self.now.isoformat(), "settable": True}
        self.heard.append(message)
        for override in self.overrides:
            answer = override(message)
            if answer is not None:
                return answer
        return self._ordinary(message)

    def _ordinary(self, message: Heard) -> Answer:
        if message.path.endswith("/registration"):
            return 201, {"token": "credential", "platform": "p", "parties": []}
        if message.path.endswith("/local-start"):
            return 200, {
                "decision": "ACCEPTED",
                "service_session_id": str(uuid.uuid4()),
                "authorization_reference": "A1",
                "authorised": "ONLINE",
            }
        if message.path.endswith("/authorisation"):
            return 200, {"decision": "ACCEPTED"}
        if message.path.endswith("/sdrs/bulk"):
            results = [
                {"index": n, "accepted": True, "state": "validated"}
                for n, _ in enumerate(message.lines)
            ]
            return 200, {"accepted": len(results), "refused": 0, "results": results}
        if message.path.endswith("/sdrs"):
            return 201, {"id": message.body["id"], "state": "validated"}
        return 200, {}


@contextmanager
def fake_hub(hub: FakeHub | None = None) -> Iterator[FakeHub]:
    """A running one; `url` is the address of its API."""
    hub = hub or FakeHub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            message = Heard(self.command, self.path, dict(self.headers.items()), raw, hub.now)
            status, body = hub.answer(message)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _serve

        def log_message(self, *arguments: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}/api/v1"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
