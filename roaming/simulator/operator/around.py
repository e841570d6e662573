"""What the parts of a simulated operator share: its way to the clearing house, and its state."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from roaming.simulator.operator.behaviour import Behaviour, Do
from roaming.simulator.operator.config import OperatorConfig
from roaming.simulator.operator.endpoint import Presence
from roaming.simulator.operator.later import Later
from roaming.simulator.operator.memory import Memory
from roaming.simulator.operator.screen import Screen
from roaming.simulator.platform_hub import Hub, HubUnreachableError, Message, Reply

RECEIVER_CODES = frozenset(
    {
        "receiver_not_connected", "receiver_timed_out", "receiver_offline", "receiver_overloaded",
        "receiver_refused", "receiver_answered_rubbish", "handshake_failed",
    }
)  # fmt: skip
"""What the clearing house says of the other party is an answer; nobody waits for it to change."""


class Party(msgspec.Struct, kw_only=True, frozen=True):
    """An identifier that the platform speaks for: `CSO` or `CSP`."""

    role: str
    identifier: str


@dataclass(frozen=True, slots=True)
class Saying:
    """What a message is called on the screen: use case, words, and what it is about."""

    use_case: str
    what: str
    about: str = ""


class Speaker:
    """Says things to the clearing house, one line on the screen for each. Waits while offline."""

    def __init__(self, hub: Hub, presence: Presence, screen: Screen) -> None:
        self.hub = hub
        self._presence = presence
        self._screen = screen
        self._read: tuple[datetime, float] | None = None

    def say(self, saying: Saying, message: Message) -> Reply:
        """Sends and returns the answer, be it a refusal. Raises HubUnreachableError."""
        self._presence.wait_until_there()
        reply = self.hub.send(message)
        outcome = "ok" if reply.accepted else f"REFUSED: {reply.code}, {_detail(reply)}"
        decision = _decision(reply)
        self._screen.went(saying.use_case, saying.what, saying.about, decision or outcome)
        self._screen.body("->", message.body)
        self._screen.body("  ", reply.raw)
        return reply

    def get(self, path: str) -> Reply:
        """Looks something up, without a line on the screen."""
        self._presence.wait_until_there()
        return self.hub.send(Message("GET", path))

    def rows(self, path: str) -> Iterator[dict[str, Any]]:
        """Every row of a list of the clearing house, page after page."""
        following: str | None = path
        while following:
            reply = self.get(following)
            if not reply.accepted:
                return
            yield from reply.content["results"]
            following = self._below_api(reply.content.get("next"))

    def now(self) -> datetime:
        """The business clock; where it cannot be read, as it would stand at its own pace."""
        self._presence.wait_until_there()
        try:
            now = self.hub.now()
        except HubUnreachableError:
            if self._read is None:
                raise
            read, at_s = self._read
            return read + timedelta(seconds=time.monotonic() - at_s)
        self._read = (now, time.monotonic())
        return now

    def _below_api(self, url: str | None) -> str | None:
        return self.hub.path_of(url) if url else None


def _detail(reply: Reply) -> str:
    return str(reply.content.get("detail", "")) if isinstance(reply.content, dict) else ""


def _decision(reply: Reply) -> str:
    """The other party's yes or no, where the answer carries one."""
    if not (reply.accepted and isinstance(reply.content, dict)):
        return ""
    word = reply.content.get("decision") or reply.content.get("response") or ""
    reason = reply.content.get("reason") or ""
    return f"{word}, {reason}" if word and reason else str(word)


@dataclass
class Around:
    """Everything that the two sides of an operator have in common."""

    config: OperatorConfig
    speaker: Speaker
    later: Later
    memory: Memory
    screen: Screen
    stopping: Callable[[], bool]
    parties: list[Party] = field(default_factory=list)

    def identifier(self, role: str) -> str:
        """The first identifier in this role; empty where there is none."""
        return next((p.identifier for p in self.parties if p.role == role), "")


def decide(behaviour: Behaviour, objection: str) -> tuple[bool, str]:
    """Yes or no, and why not: what the platform was told to do, else what speaks against it.

    >>> decide(Behaviour(do=Do.ACCEPT), "evse_occupied"), decide(Behaviour(), "evse_occupied")
    ((True, ''), (False, 'evse_occupied'))
    """
    if behaviour.do is Do.REFUSE:
        return False, behaviour.reason or "refused"
    if behaviour.do is Do.ACCEPT:
        return True, ""
    return not objection, objection
