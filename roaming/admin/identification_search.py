"""Finding rows by a token that somebody read out: by its fingerprint; no row holds it in clear."""

from __future__ import annotations

from roaming.domain.identifiers import IdentifierError, TokenUid
from roaming.hub_switch.deciding import token_fingerprint


def fingerprint_of(text: str) -> bytes | None:
    """The keyed HMAC of a token UID (or of a contract id that was presented without one)."""
    try:
        return token_fingerprint(TokenUid.parse(text.strip()).key)
    except IdentifierError:
        return None
