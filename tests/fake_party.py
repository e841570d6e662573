"""A party's platform for tests: a real HTTP server that answers as it is told and remembers."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    """One message as it arrived."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class FakeParty:
    """`answers` maps a path to (status, body) or to a function of the message that returns them."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: dict[str, tuple[int, Any] | Callable[[Received], tuple[int, Any]]] = field(
        default_factory=dict
    )
    delay_s: float = 0

    def accept(self, **extra: Any) -> None:
        """Answers every identification with ACCEPTED."""
        answer = {"decision": "ACCEPTED", "authorization_reference": "AUTH-1", **extra}
        self.answers["/uc3-1/local-start"] = (200, answer)
        self.answers["/uc3-3/plug-and-charge-start"] = (200, answer)
        self.answers["/uc4-1/authorisation"] = (200, answer)

    def ordinary(self, message: Received) -> tuple[int, Any]:
        """What a platform answers that nobody told otherwise."""
        if message.path == "/uc1-1/handshake":
            return 200, {"nonce": message.body.get("nonce", ""), "version": "1"}
        return 200, {}

    def messages(self, path: str) -> list[Received]:
        return [message for message in self.received if message.path == path]


@contextmanager
def fake_party() -> Iterator[FakeParty]:
    """A running platform; its address is `url`."""
    party = FakeParty()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            message = Received(self.path, dict(self.headers.items()), json.loads(raw))
            party.received.append(message)
            time.sleep(party.delay_s)
            answer = party.answers.get(self.path, party.ordinary(message))
            status, body = answer(message) if callable(answer) else answer
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):  # who does not wait has hung up
                self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    party.url = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        yield party
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
