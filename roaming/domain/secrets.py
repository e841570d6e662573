"""Tokens of machines and the keyed fingerprints of personal data (IEC 63119-2, 5.4.1, 5.4.3)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

PREFIX_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class MachineToken:
    """`prefix.secret`: the prefix is public and finds the row, the secret is 256 random bits."""

    prefix: str
    secret: str

    def __str__(self) -> str:
        return f"{self.prefix}.{self.secret}"

    @classmethod
    def parse(cls, text: str) -> MachineToken | None:
        """The token, or None where the text cannot be one.

        >>> MachineToken.parse("abc123abc123.s3cret")
        MachineToken(prefix='abc123abc123', secret='s3cret')
        >>> MachineToken.parse("rubbish") is None
        True
        """
        prefix, dot, secret = text.partition(".")
        if not dot or len(prefix) != PREFIX_CHARACTERS or not prefix.isalnum() or len(text) > 200:
            return None
        return cls(prefix, secret) if secret else None

    def digest(self) -> bytes:
        """SHA-256 of the secret, 32 bytes: enough for 256 random bits (argon2 is for people)."""
        return hashlib.sha256(self.secret.encode()).digest()


def same_digest(left: bytes, right: bytes) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(left, right)


def fingerprint(key: str, *parts: str) -> bytes:
    """Keyed HMAC-SHA-256 of the parts, 32 bytes: searchable exactly, and mute without the key.

    >>> fingerprint("k", "ab", "c") == fingerprint("k", "a", "bc")
    False
    """
    framed = b""
    for part in parts:
        raw = part.encode()
        framed += len(raw).to_bytes(4, "big") + raw
    return hmac.digest(key.encode(), framed, "sha256")
