"""Finding rows by a token that somebody read out: by its fingerprint; no row holds it in clear."""

from __future__ import annotations

import contextlib

from roaming.domain.identifiers import ContractId, IdentifierError, TokenUid
from roaming.models.fingerprints import (
    contract_fingerprint,
    emaid_token_fingerprint,
    token_fingerprint,
)


def fingerprints_of(text: str) -> list[bytes]:
    """The keyed HMACs under which a token may stand: as it is, and as a contract id that was
    presented as the token (plug and charge). Empty where the text can be neither."""
    found = []
    with contextlib.suppress(IdentifierError):
        found.append(token_fingerprint(TokenUid.parse(text.strip()).key))
        contract = emaid_token_fingerprint(ContractId.parse(text.strip()))
        if contract not in found:
            found.append(contract)
    return found


def contract_fingerprint_of(text: str) -> bytes | None:
    """The keyed HMAC of a contract id, with or without its check digit and separators."""
    try:
        return contract_fingerprint(ContractId.parse(text.strip()))
    except IdentifierError:
        return None
