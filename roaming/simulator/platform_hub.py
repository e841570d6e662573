"""A platform's way to the clearing house: HTTP with kept connections, and patience.

Where the clearing house cannot be reached or asks for time (503, 504), the same message goes again
under the same X-Message-ID, each time a little later, so that nothing is lost on the way. Codes
that a platform takes for an answer (`final`) end that: nobody at an EVSE waits for a minute.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from roaming.simulator.sdr_writer import to_json

WORTH_ANOTHER_TRY = {429, 500, 502, 503, 504}
STILL_WORKED_ON = "request_in_progress"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 3.0
TIMEOUT_S = 30.0
JSON, NDJSON = "application/json", "application/x-ndjson"


class HubUnreachableError(Exception):
    """The clearing house did not take a message for as long as the platform is patient."""


class StoppedError(Exception):
    """The platform is being stopped; what was under way is left."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to the clearing house. `path` is below the API's address, its parts quoted.

    Without a `message_id` it gets one when it is sent.
    """

    method: str
    path: str
    body: bytes = b""
    correlation_id: str = ""
    content_type: str = JSON
    message_id: str = ""

    @classmethod
    def of(cls, method: str, path: str, content: object, correlation_id: str = "") -> Message:
        """A JSON message."""
        return cls(method, path, to_json(content), correlation_id)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that will not change by asking again: 2xx, or a refusal."""

    status: int
    content: Any
    tries: int
    raw: bytes = b""

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """The code of a refusal."""
        code = self.content.get("code", "") if isinstance(self.content, dict) else ""
        return str(code or f"http_{self.status}")


class Observer(Protocol):
    """Who wants to know what is said: before a message goes out, and what came of it."""

    def sending(self, message: Message, message_id: str) -> None: ...

    def answered(self, message: Message, message_id: str, reply: Reply) -> None: ...

    def given_up(self, message: Message, message_id: str, trouble: str) -> None: ...


class _Nobody:
    def sending(self, message: Message, message_id: str) -> None:
        """Nobody wants to know."""

    def answered(self, message: Message, message_id: str, reply: Reply) -> None:
        """Nobody wants to know."""

    def given_up(self, message: Message, message_id: str, trouble: str) -> None:
        """Nobody wants to know."""


class Hub:
    """The clearing house, as this platform reaches it. Safe for use by many threads.

    A refusal whose code is in `final` is an answer, whatever its status.
    """

    def __init__(
        self,
        address: str,
        connections: int,
        patience_s: float,
        observer: Observer | None = None,
        final: frozenset[str] = frozenset(),
    ) -> None:
        self._base = urlsplit(address).path.rstrip("/")
        self._pool = urllib3.connection_from_url(
            address, maxsize=connections, block=False, timeout=TIMEOUT_S
        )
        self._patience_s = patience_s
        self._observer = observer or _Nobody()
        self._final = final
        self._stopped = threading.Event()
        self.token = ""

    def stop(self) -> None:
        """Lets every waiting message end with StoppedError."""
        self._stopped.set()

    def pause(self, seconds: float) -> None:
        """Waits. Raises StoppedError as soon as the platform is being stopped."""
        if self._stopped.wait(seconds):
            raise StoppedError

    def send(self, message: Message) -> Reply:
        """Sends until there is an answer. Raises HubUnreachableError, StoppedError."""
        message_id = message.message_id or str(uuid.uuid4())
        self._observer.sending(message, message_id)
        try:
            reply = self._send(message, message_id)
        except HubUnreachableError as error:
            self._observer.given_up(message, message_id, str(error))
            raise
        self._observer.answered(message, message_id, reply)
        return reply

    def _send(self, message: Message, message_id: str) -> Reply:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": message.content_type,
            "X-Message-ID": message_id,
        }
        if message.correlation_id:
            headers["X-Correlation-ID"] = message.correlation_id
        deadline = time.monotonic() + self._patience_s
        tries = 0
        while not self._stopped.is_set():
            tries += 1
            try:
                response = self._request(message, headers)
            except HTTPError as error:
                trouble = str(error)
            else:
                reply = Reply(response.status, _content(response.data), tries, response.data)
                if self._is_an_answer(reply):
                    return reply
                trouble = f"HTTP {response.status} {response.data[:300]!r}"
            if time.monotonic() > deadline:
                raise HubUnreachableError(f"{message.method} {message.path}: {trouble}")
            self.pause(_pause_s(tries))
        raise StoppedError

    def _is_an_answer(self, reply: Reply) -> bool:
        if reply.status in WORTH_ANOTHER_TRY:
            return reply.code in self._final
        return reply.code != STILL_WORKED_ON

    def path_of(self, url: str) -> str:
        """An address that the clearing house gave, as the path of a message.

        >>> Hub("http://127.0.0.1:1/api/v1", 1, 1).path_of("http://hub/api/v1/sdrs?cursor=x")
        '/sdrs?cursor=x'
        """
        parts = urlsplit(url)
        return parts.path.removeprefix(self._base) + (f"?{parts.query}" if parts.query else "")

    def now(self) -> datetime:
        """The business clock. Raises as `send` does."""
        reply = self.send(Message("GET", "/clock"))
        if not reply.accepted:
            raise HubUnreachableError(f"GET /clock: HTTP {reply.status}")
        return datetime.fromisoformat(reply.content["now"])

    def _request(self, message: Message, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        return self._pool.urlopen(
            message.method,
            f"{self._base}{message.path}",
            body=message.body or None,
            headers=headers,
            retries=False,
            redirect=False,
        )


def path_of(*parts: str) -> str:
    """An address below the API's: every part quoted.

    >>> path_of("sites", "DE*NLN*P1")
    '/sites/DE%2ANLN%2AP1'
    """
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def _content(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body) if body else None
    except msgspec.DecodeError:
        return None


def _pause_s(tries: int) -> float:
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(tries - 1, 10))
    return random.uniform(longest / 2, longest)  # noqa: S311 - jitter is no secret
