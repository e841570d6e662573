"""The roaming endpoint of a simulated operator: every message meets a behaviour and is recorded.

What honest answers are made of is the sides' business (cso.py, csp.py); what goes wrong on purpose
happens here. A message that comes again is answered as it was, and nothing is done about it twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from email.message import Message as Headers
from typing import Any

import msgspec

from roaming.simulator.endpoint_server import EndpointServer, HttpAnswer
from roaming.simulator.operator.behaviour import (
    LATE_S,
    Behaviour,
    Conduct,
    Do,
    Rubbish,
    use_case_of,
)
from roaming.simulator.operator.record import Record
from roaming.simulator.platform_endpoint import REMEMBERED, presents, turned_away
from roaming.simulator.sdr_writer import to_json

LONGEST_SILENCE_S = 60.0
HANDSHAKE = "uc1-1/handshake"
VERSION = "1"
HUGE_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as it came: `path` below the endpoint, without the first slash."""

    path: str
    message_id: str
    correlation_id: str
    content: dict[str, Any]
    raw: bytes = b""

    @property
    def use_case(self) -> str:
        return use_case_of(self.path)


_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
"""Numbers as they were sent, to the digit."""
Handler = Callable[[Incoming, Behaviour], dict[str, Any]]
Heard = Callable[[Incoming, Behaviour, int, Any], None]
"""Told of every message, how it was treated, and the HTTP status (0: none) and the answer."""


class Presence:
    """Whether the platform is there. While it is not, it neither listens nor speaks."""

    def __init__(self) -> None:
        self._there = threading.Event()
        self._there.set()
        self.stopped = threading.Event()
        self.server: EndpointServer | None = None

    @property
    def online(self) -> bool:
        return self._there.is_set()

    def leave(self) -> None:
        self._there.clear()
        if self.server is not None:
            self.server.go_offline()

    def come_back(self) -> None:
        if self.server is not None:
            self.server.go_online()
        self._there.set()

    def wait_until_there(self) -> None:
        """Returns when the platform is there again, or is being stopped."""
        while not self._there.wait(0.2) and not self.stopped.is_set():
            pass

    def stop(self) -> None:
        self.stopped.set()
        self._there.set()


class OperatorEndpoint:
    """Answers from the moment `open` is called; `handlers` are by path."""

    def __init__(self, secret: str, conduct: Conduct, record: Record, presence: Presence) -> None:
        self._secret = secret
        self._conduct = conduct
        self._record = record
        self._presence = presence
        self._handlers: dict[str, Handler] = {HANDSHAKE: _shake_hands}
        self._lock = threading.Lock()
        self._known: dict[str, HttpAnswer] = {}
        self._under_way: dict[str, threading.Event] = {}
        self.ready = False
        """Whether all handlers are there."""
        self.heard: Heard = lambda incoming, behaviour, status, answer: None
        self.go_offline: Callable[[float | None], None] = lambda seconds: presence.leave()

    def serve(self, handlers: Mapping[str, Handler]) -> None:
        """Adds what the operator's sides answer."""
        self._handlers.update(handlers)

    def remember(self, answers: Mapping[str, tuple[int, str]]) -> None:
        """Answers of an earlier life, by message id."""
        self._known.update(
            {key: HttpAnswer(status, text.encode()) for key, (status, text) in answers.items()}
        )

    def open(self, host: str, port: int) -> EndpointServer:
        """Listens. OSError where the port is taken."""
        server = EndpointServer(host, port, self.answer)
        self._presence.server = server
        return server

    # --- One message ------------------------------------------------------------------------------

    def answer(self, path: str, headers: Headers, body: bytes) -> HttpAnswer:
        """What the caller gets."""
        if not presents(headers, self._secret):
            self._record.write("turned_away", path=path[:200])
            return turned_away()
        ids = {
            "message_id": headers.get("X-Message-ID") or "",
            "path": path.partition("?")[0].strip("/"),
            "correlation_id": headers.get("X-Correlation-ID") or "",
        }
        return self.take(ids, body)

    def take(self, ids: dict[str, str], body: bytes) -> HttpAnswer:
        """A message that was sent to us, or that we fetched: `message_id`, `path`,
        `correlation_id`, and what is answered."""
        message_id = ids["message_id"]
        done, first = self._begin(message_id)
        self._record.received(ids, body, again=not first)
        try:
            if not first:
                done.wait(LONGEST_SILENCE_S)
            with self._lock:
                known = self._known.get(message_id)
            if known is not None:
                return known
            return self._first_answer(ids, body)
        finally:
            if first:
                with self._lock:
                    self._under_way.pop(message_id, None)
                done.set()

    def _begin(self, message_id: str) -> tuple[threading.Event, bool]:
        """Whether nobody has answered this message, nor is about to."""
        done = threading.Event()
        with self._lock:
            if message_id in self._known:
                done.set()
                return done, False
            if message_id and message_id in self._under_way:
                return self._under_way[message_id], False
            if message_id:
                self._under_way[message_id] = done
        return done, True

    def _first_answer(self, ids: dict[str, str], body: bytes) -> HttpAnswer:
        try:
            incoming, handler = self._read(ids, body)
        except _NotTakenError as error:
            return self._said(ids, error.status, {"error": str(error)})
        behaviour = self._conduct.next_for(incoming.path)
        if behaviour.do is Do.ANSWER_LATE:
            late = LATE_S if behaviour.seconds is None else behaviour.seconds
            self._presence.stopped.wait(late)
        broken = self._broken(ids, incoming, behaviour)
        if broken is not None:
            return broken
        try:
            content = handler(incoming, behaviour)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return self._said(ids, 400, {"error": f"not understood: {error!r}"})
        answer = self._said(ids, 200, content)
        self.heard(incoming, behaviour, 200, content)
        if behaviour.do is Do.LOSE_ANSWER:
            return HttpAnswer(0, hang_up=True)
        return answer

    def _read(self, ids: dict[str, str], body: bytes) -> tuple[Incoming, Handler]:
        handler = self._handlers.get(ids["path"])
        if handler is None:
            if not self.ready:
                raise _NotTakenError(503, "still starting")
            raise _NotTakenError(404, "no such message")
        try:
            content = _DECODER.decode(body)
        except msgspec.DecodeError as error:
            raise _NotTakenError(400, str(error)) from error
        return Incoming(
            ids["path"], ids["message_id"], ids["correlation_id"], content, raw=body
        ), handler

    def _broken(
        self, ids: dict[str, str], incoming: Incoming, behaviour: Behaviour
    ) -> HttpAnswer | None:
        """The answer of a platform that goes wrong; None for one that does its work."""
        do = behaviour.do
        if do is Do.HTTP_STATUS:
            content = {"error": f"told to answer with {behaviour.status}"}
            self.heard(incoming, behaviour, behaviour.status, content)
            return self._said(ids, behaviour.status, content, final=False)
        if do not in (Do.TIME_OUT, Do.ANSWER_RUBBISH, Do.GO_OFFLINE):
            return None
        self.heard(incoming, behaviour, 0, None)
        if do is Do.ANSWER_RUBBISH:
            return _rubbish(behaviour.rubbish)
        if do is Do.TIME_OUT:
            self._presence.stopped.wait(behaviour.seconds or LONGEST_SILENCE_S)
        else:
            self.go_offline(behaviour.seconds)
        return HttpAnswer(0, hang_up=True)

    def _said(
        self, ids: dict[str, str], status: int, content: Any, *, final: bool = True
    ) -> HttpAnswer:
        """Records what is said; what is final is said again to the same message."""
        answer = HttpAnswer(status, to_json(content))
        message_id = ids["message_id"]
        text = {"answer": answer.content.decode()} if final and status == 200 else {}
        self._record.write(
            "answered", message_id=message_id, path=ids["path"], status=status, **text
        )
        if final and status == 200 and message_id:
            with self._lock:
                if len(self._known) >= REMEMBERED:
                    self._known.pop(next(iter(self._known)))
                self._known[message_id] = answer
        return answer


class _NotTakenError(Exception):
    """A message that meets no behaviour: nobody knows it, or it cannot be read."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def _shake_hands(incoming: Incoming, behaviour: Behaviour) -> dict[str, Any]:
    """UC1-1: the nonce comes back. To refuse is to give back another one."""
    if behaviour.do is Do.REFUSE:
        return {"nonce": "no", "version": VERSION}
    nonce = {"nonce": incoming.content["nonce"]} if "nonce" in incoming.content else {}
    return {**nonce, "version": VERSION}


def _rubbish(kind: Rubbish) -> HttpAnswer:
    match kind:
        case Rubbish.OTHER_JSON:
            return HttpAnswer(200, b'["a list", {"of": "something else"}, 42]')
        case Rubbish.NOT_HTTP:
            return HttpAnswer(0, b"\x16\x03\x01 this is not the protocol you expect\r\n", raw=True)
        case Rubbish.TRICKLE:
            return HttpAnswer(200, b'{"decision": "ACCEPTED", "reason": "but slowly"}' * 8,
                              trickle=True)  # fmt: skip
        case Rubbish.HUGE:
            return HttpAnswer(200, b'"' + b"x" * HUGE_BYTES + b'"')
        case _:
            return HttpAnswer(200, b"<html><body>502 Bad Gateway</body></html>")
