"""The handshake at a roaming endpoint (UC1-1; IEC 63119-2, 5.4.1): authentication in both ways.

The clearing house shows the secret that the platform gave it; the platform shows, by the nonce that
it gives back, that the address and the secret are its own.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from roaming.domain.receiving import unknown_path

VERSION = "1"
VERSIONS = (VERSION,)
"""The versions of the native interface that are spoken here."""


class Party(msgspec.Struct, kw_only=True, frozen=True):
    """An identifier that the platform is pinned to."""

    role: str
    identifier: str


class HandshakeMessage(msgspec.Struct, kw_only=True, frozen=True):
    """Who calls, and as whom it knows you. Comes before a registration counts.

    Answer with the nonce only where the bearer token is the one that you gave.
    """

    clearing_house: str
    versions: list[str]
    environment: str
    platform: str
    parties: list[Party]
    nonce: str


class ProbeMessage(msgspec.Struct, kw_only=True, frozen=True):
    """Comes to the same address after a silence, and while you are offline; asks for nothing.

    Any answer with a status below 500 is a sign of life.
    """

    probe: Literal[True] = True


class HandshakeAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """The nonce as it came, the version to speak, and which paths are taken (left out: all)."""

    nonce: str
    version: str
    paths: list[str] | None = None


def read_handshake(body: bytes, nonce: str) -> HandshakeAnswer:
    """The platform's answer. Raises ValueError, which says what is wrong with it.

    >>> read_handshake(b'{"nonce": "n", "version": "1"}', "n").paths is None
    True
    >>> read_handshake(b'{"nonce": "m", "version": "1"}', "n")
    Traceback (most recent call last):
    ValueError: the nonce did not come back as it was sent
    """
    try:
        answer = msgspec.json.decode(body, type=HandshakeAnswer)
    except RecursionError as error:
        raise ValueError("the body is nested too deep") from error
    if answer.nonce != nonce:
        raise ValueError("the nonce did not come back as it was sent")
    if answer.version not in VERSIONS:
        raise ValueError(f"version {answer.version[:20]!r} was not offered")
    if answer.paths is not None:
        if not answer.paths:
            raise ValueError("it takes no path at all: register without an endpoint instead")
        unknown = unknown_path(answer.paths)
        if unknown is not None:
            raise ValueError(f"nothing is ever sent to {unknown[:60]!r}")
    return answer
