"""Keyed fingerprints of identifications: how rows find a person whom they do not name (5.4.3)."""

from __future__ import annotations

from django.conf import settings

from roaming.domain.identifiers import ContractId, IdentifierError, TokenUid
from roaming.domain.sdr import IdentificationPart
from roaming.domain.secrets import fingerprint


def token_fingerprint(token_key: str) -> bytes:
    """The keyed HMAC by which a token is found."""
    return fingerprint(settings.HMAC_KEY, "token", token_key)


def contract_fingerprint(contract: ContractId) -> bytes:
    """The keyed HMAC of a contract id, the same with and without its check digit."""
    return fingerprint(settings.HMAC_KEY, "contract", contract.key_without_check_digit)


def emaid_token_fingerprint(contract: ContractId) -> bytes:
    """A contract that is itself the token (PNC, or nothing else was presented)."""
    return token_fingerprint(contract.key_without_check_digit)


def token_hmac_of(identification: IdentificationPart) -> bytes | None:
    """The token as the session knows it: with plug and charge it is the eMA-ID (UC3-3)."""
    token_uid = identification.token_uid
    try:
        if identification.method == "PNC" and (token_uid or identification.contract_id):
            emaid = ContractId.parse(token_uid or identification.contract_id, opaque=True)
            return emaid_token_fingerprint(emaid)
        return token_fingerprint(TokenUid.parse(token_uid).key) if token_uid else None
    except IdentifierError:
        return token_fingerprint(token_uid.upper()) if token_uid else None


def contract_hmac_of(contract_id: str) -> bytes | None:
    if not contract_id:
        return None
    try:
        return contract_fingerprint(ContractId.parse(contract_id, opaque=True))
    except IdentifierError:
        return None
