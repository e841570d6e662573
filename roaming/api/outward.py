"""The way out to a platform: to an address that was checked, over verified TLS (5.3, 5.4.1).

A roaming endpoint's address is chosen by whoever registers it. Its name is therefore resolved once
for each connection, every answer is checked, and the socket goes to exactly the address that was
checked: a name that points elsewhere a moment later changes nothing. TLS is verified by name all
the same. No proxy of the environment is asked.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import ssl
import threading
import time
from functools import lru_cache
from typing import Any

from django.conf import settings

from roaming.domain.addresses import may_be_called, read_address

Found = tuple[int, int, int, str, Any]  # a line of getaddrinfo


class ForbiddenAddress(OSError):  # noqa: N818  what the endpoint is, not a fault of ours
    """The name leads where no partner's platform can be, or without TLS where TLS is asked for."""


def open_socket(host: str, port: int, *, tls: bool, ends: float) -> socket.socket:
    """A connected socket to `host`, until `ends` (of time.monotonic) at most.

    TimeoutError at `ends`; ForbiddenAddress, ssl.SSLError or another OSError where it cannot be.
    """
    if not tls and not settings.ALLOW_PLAIN_HTTP_ENDPOINTS:
        raise ForbiddenAddress("The address has no TLS.")
    plain = open_plain_socket(host, port, ends)
    if not tls:
        return plain
    try:
        plain.settimeout(_left(ends))
        return tls_context().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def open_plain_socket(host: str, port: int, ends: float) -> socket.socket:
    """A TCP connection to the first address of `host` that may be called and answers."""
    found = _callable_addresses(host, port, ends)
    trouble: OSError = ForbiddenAddress("The address leads to no public network.")
    for tried, (family, kind, protocol, _, address) in enumerate(found):
        sock = socket.socket(family, kind, protocol)
        try:
            # The last one gets what is left; before it, one dead address must not use it all up.
            sock.settimeout(_left(ends) / (1 if tried == len(found) - 1 else 2))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        except OSError as error:
            trouble = error
            sock.close()
        except BaseException:
            sock.close()
            raise
    raise trouble


def _callable_addresses(host: str, port: int, ends: float) -> list[Found]:
    found = _resolve(host, port, ends)
    if settings.ALLOW_PLAIN_HTTP_ENDPOINTS:
        return found  # development: platforms on the same machine
    also = settings.PRIVATE_ENDPOINT_NETWORKS
    return [
        line
        for line in found
        if (address := read_address(str(line[4][0]))) is not None and may_be_called(address, also)
    ]


def _resolve(host: str, port: int, ends: float) -> list[Found]:
    """getaddrinfo, within the deadline: a name server may take its time, and cannot be cut off."""
    if read_address(host) is not None:
        return _look_up(host, port)
    answers: queue.SimpleQueue[list[Found] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(_look_up(host, port))
        except (OSError, UnicodeError) as error:
            answers.put(error if isinstance(error, OSError) else OSError("no host name"))

    threading.Thread(target=ask, name="name look-up", daemon=True).start()
    try:
        answer = answers.get(timeout=_left(ends))
    except queue.Empty:
        raise TimeoutError("the name server did not answer") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _look_up(host: str, port: int) -> list[Found]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP))


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def tls_context() -> ssl.SSLContext:
    """The context of all calls to platforms; made anew when a setting or one of its files changes.

    It always verifies chain and name: there is no setting that turns that off.
    """
    files = (
        settings.OUTBOUND_CA_FILE,
        settings.OUTBOUND_CLIENT_CERTIFICATE_FILE,
        settings.OUTBOUND_CLIENT_KEY_FILE,
    )
    return _context(settings.OUTBOUND_TLS_MINIMUM, files, tuple(map(_changed_at, files)))


@lru_cache(4)
def _context(minimum: str, files: tuple[str, str, str], changed: tuple[int, ...]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    context.minimum_version = _VERSIONS[minimum]
    context.set_alpn_protocols(["http/1.1"])
    ca_file, certificate, key = files
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    if certificate:
        context.load_cert_chain(certificate, key or None)
    return context


_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def _changed_at(path: str) -> int:
    with contextlib.suppress(OSError):
        return os.stat(path).st_mtime_ns if path else 0
    return -1


def why_not(error: OSError) -> str:
    """What the journal and the asker are told of a connection that could not be made.

    Never the addresses that a name led to: they are none of the asker's business.
    """
    if isinstance(error, ForbiddenAddress):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"Its certificate was not accepted: {error.verify_message}."
    if isinstance(error, ssl.SSLError):
        return f"TLS could not be agreed on: {error.reason or 'no common version'}."
    return "It cannot be reached."
