"""The native dialect's client: how the hub calls a platform (fulfils `roaming.ports`)."""

from __future__ import annotations

import time
from http.client import HTTPException, RemoteDisconnected

from roaming.api.connections import Connection, Connections, Peer, TooLarge, connect, peer_of
from roaming.api.outward import why_not
from roaming.ports import Address, Answer, NoAnswer, OutgoingMessage

MAX_ANSWER_BYTES = 1_000_000


class NativeClient:
    """POSTs JSON to `<endpoint>/<path>`; kept connections, one deadline, no redirects."""

    def __init__(self) -> None:
        self._connections = Connections()

    def send(self, address: Address, message: OutgoingMessage, timeout_s: float) -> Answer:
        """Sends and waits, `timeout_s` in all. Raises NoAnswer."""
        ends = time.monotonic() + timeout_s
        try:
            peer = peer_of(address.url)
            return self._exchange(peer, _request(peer, address, message), ends)
        except _NeverReachedError as error:
            detail = f"No connection within {timeout_s:g} s."
            raise NoAnswer("receiver_timed_out", detail, sent=False) from error
        except TimeoutError as error:
            detail = f"No whole answer within {timeout_s:g} s."
            raise NoAnswer("receiver_timed_out", detail) from error
        except (OSError, ValueError) as error:
            raise NoAnswer("receiver_not_connected", _why(error)) from error
        except TooLarge as error:
            raise NoAnswer("receiver_answered_rubbish", "The answer is too large.") from error
        except HTTPException as error:
            detail = "The platform did not speak HTTP."
            raise NoAnswer("receiver_answered_rubbish", detail) from error

    def _exchange(self, peer: Peer, request: bytes, ends: float) -> Answer:
        kept = self._connections.take(peer)
        connection = kept or _reach(peer, ends)
        try:
            return Answer(*connection.exchange(request, ends, MAX_ANSWER_BYTES))
        except (RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            if kept is None or connection.answering:
                raise
            # The peer hung up on an idle connection while we took it. Sent anew: should it have
            # read the message all the same, it knows it by its id.
            connection.hang_up()
            connection = connect(peer, ends)
            return Answer(*connection.exchange(request, ends, MAX_ANSWER_BYTES))
        finally:
            self._connections.give_back(peer, connection)


class _NeverReachedError(TimeoutError):
    """The time was over before there was a connection to say anything on."""


def _reach(peer: Peer, ends: float) -> Connection:
    """A connection on which nothing was sent yet, so that who fails here knows it."""
    try:
        return connect(peer, ends)
    except TimeoutError as error:
        raise _NeverReachedError from error
    except OSError as error:
        raise NoAnswer("receiver_not_connected", _why(error), sent=False) from error


def _request(peer: Peer, address: Address, message: OutgoingMessage) -> bytes:
    """The whole request. ValueError where a value would break out of its line."""
    head = (
        f"POST {peer.prefix}/{message.path} HTTP/1.1",
        f"Host: {peer.name}",
        f"Authorization: Bearer {address.secret}",
        "Content-Type: application/json",
        "Accept: application/json",
        "Accept-Encoding: identity",
        f"Content-Length: {len(message.body)}",
        f"X-Message-ID: {message.message_id}",
        f"X-Correlation-ID: {message.correlation_id}",
        f"X-Use-Case: {message.use_case}",
    )
    if not all(line.isascii() and line.isprintable() for line in head):
        raise ValueError("a header cannot be sent")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + message.body


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, ConnectionError) and not isinstance(error, ConnectionRefusedError):
        return "The platform closed the connection."
    return why_not(error) if isinstance(error, OSError) else "It cannot be reached."
