"""Digests of client certificates, as tools print them (IEC 63119-2, 5.4.1)."""

from __future__ import annotations

import re

# `sha256 Fingerprint=`, `SHA2-256(cert.der)= `, `SHA-256: `: what the tool says before the digest.
_LABEL = re.compile(r"^sha2?-?256\b(?:\([^()]*\))?(?: fingerprint)?\s*[=:]\s*")
_SEPARATORS = re.compile(r"[\s:-]")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class NoDigestError(Exception):
    """The text is no SHA-256 digest; says what it seems to be."""


def read_digest(text: str) -> str:
    """The SHA-256 digest as 64 small hex digits, however a tool printed it; else NoDigestError.

    Colons, blanks and dashes between the digits, either case, the label of openssl or keytool
    before them, the file's name that sha256sum prints behind them.

    >>> read_digest("SHA256 Fingerprint=" + ":".join(["AB"] * 32)) == "ab" * 32
    True
    >>> read_digest(":".join(["AB"] * 20))
    Traceback (most recent call last):
    ...
    roaming.domain.certificates.NoDigestError: These are 40 hex digits, as SHA-1 has, not 64.
    """
    bare = _LABEL.sub("", text.strip().lower())
    first = bare.split(None, 1)[0] if bare else ""
    digits = first if _SHA256.fullmatch(first) else _SEPARATORS.sub("", bare)
    if _SHA256.fullmatch(digits):
        return digits
    if digits and not digits.strip("0123456789abcdef"):
        also = ", as SHA-1 has" if len(digits) == 40 else ""
        raise NoDigestError(f"These are {len(digits)} hex digits{also}, not 64.")
    raise NoDigestError("Not a SHA-256 digest: 64 hex digits, with or without colons.")
