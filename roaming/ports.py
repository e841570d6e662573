"""What the hub needs of a wire dialect: a client that carries one message to one platform.

Edges register theirs at start-up (`roaming.apps`); the hub knows only this Protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Trouble = Literal["receiver_not_connected", "receiver_timed_out", "receiver_answered_rubbish"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a roaming endpoint is, and the secret that we present there."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message to a platform. `path` is below the endpoint's address; `body` is JSON."""

    use_case: str
    path: str
    body: bytes
    message_id: str
    correlation_id: str
    sender: str = ""
    receiver: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform answered: HTTP status and body, not yet understood."""

    status: int
    body: bytes


class NoAnswer(Exception):  # noqa: N818  an outcome of the exchange, not a fault of ours
    """The platform could not be asked; `trouble` is a code of the refusal catalogue.

    `sent`: whether the message may have arrived all the same; False only where it cannot have.
    """

    def __init__(self, trouble: Trouble, detail: str, *, sent: bool = True) -> None:
        super().__init__(f"{trouble}: {detail}")
        self.trouble: Trouble = trouble
        self.detail = detail
        self.sent = sent


class PlatformClient(Protocol):
    """Carries messages in one dialect."""

    def send(self, address: Address, message: OutgoingMessage, timeout_s: float) -> Answer:
        """Sends and waits, `timeout_s` in all. Raises NoAnswer. Follows no redirect."""
        ...


clients: dict[str, PlatformClient] = {}


def register_client(dialect: str, client: PlatformClient) -> None:
    """Makes `client` the carrier of `dialect` (a value of RoamingEndpoint.dialect)."""
    clients[dialect] = client
