"""The native dialect's client: how the hub calls a platform (fulfils `roaming.ports`)."""

from __future__ import annotations

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, TimeoutError

from roaming.api.deadline import Deadline, pools
from roaming.ports import Address, Answer, NoAnswer, OutgoingMessage

MAX_ANSWER_BYTES = 1_000_000
_CHUNK = 65_536


class NativeClient:
    """POSTs JSON to `<endpoint>/<path>`; pooled connections, one deadline, no redirects."""

    def __init__(self) -> None:
        self._pool: urllib3.PoolManager | None = None

    def send(self, address: Address, message: OutgoingMessage, timeout_s: float) -> Answer:
        """Sends and waits, `timeout_s` in all. Raises NoAnswer."""
        with Deadline(timeout_s) as deadline:
            try:
                return self._exchange(address, message, timeout_s)
            except NewConnectionError as error:  # a kind of time-out to urllib3, not to us
                raise NoAnswer("receiver_not_connected", "It cannot be reached.") from error
            except TimeoutError as error:
                raise _late(timeout_s) from error
            except ProtocolError as error:
                raise (_late(timeout_s) if deadline.passed else _broken(error)) from error
            except (HTTPError, ValueError) as error:
                raise NoAnswer("receiver_not_connected", "It cannot be reached.") from error

    def _exchange(self, address: Address, message: OutgoingMessage, timeout_s: float) -> Answer:
        response = self._connections().request(
            "POST",
            f"{address.url.rstrip('/')}/{message.path}",
            body=message.body,
            headers=_headers(address, message),
            timeout=urllib3.Timeout(total=timeout_s),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,  # a small answer must not unfold into gigabytes
        )
        try:
            return Answer(response.status, _read(response))
        finally:
            response.release_conn()

    def _connections(self) -> urllib3.PoolManager:
        """Made at first use, so that forked processes never share a socket."""
        if self._pool is None:
            self._pool = pools(num_pools=200, maxsize=16, block=False)
        return self._pool


def _broken(error: ProtocolError) -> NoAnswer:
    """A peer that hung up is not connected; one that spoke something else than HTTP is at fault."""
    if any(isinstance(cause, ConnectionError) for cause in error.args):
        return NoAnswer("receiver_not_connected", "The platform closed the connection.")
    return NoAnswer("receiver_answered_rubbish", "The platform did not speak HTTP.")


def _headers(address: Address, message: OutgoingMessage) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {address.secret}",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "X-Message-ID": message.message_id,
        "X-Correlation-ID": message.correlation_id,
        "X-Use-Case": message.use_case,
    }


def _late(timeout_s: float) -> NoAnswer:
    return NoAnswer("receiver_timed_out", f"No whole answer within {timeout_s:g} s.")


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    """The body, within the size limit."""
    chunks: list[bytes] = []
    size = 0
    for chunk in response.stream(_CHUNK, decode_content=False):
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            response.close()
            raise NoAnswer("receiver_answered_rubbish", "The answer is too large.")
        chunks.append(chunk)
    return b"".join(chunks)
