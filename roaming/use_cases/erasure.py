"""Erasing personal data (IEC 63119-2, 5.4.3): by age, and of one person who asks for it.

Accepts: the retention of the settings; or a token UID or contract id.
Refuses (ErasureError): what is neither a token nor a contract id.
Leaves behind: rows without what could name a person. Journal, SDRs, ledger, chains and statements
stay as they are: they hold keyed fingerprints, which name nobody once the clear text is gone.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from datetime import datetime, timedelta

from django.conf import settings

from roaming.domain.identifiers import ContractId, IdentifierError, TokenUid
from roaming.models.erasing import erase_old, erase_person
from roaming.models.fingerprints import (
    contract_fingerprint,
    emaid_token_fingerprint,
    token_fingerprint,
)

BATCH = 5_000
_MOST_BATCHES = 200
_SHORTEST = 8


class ErasureError(ValueError):
    """Why nothing was erased, for the person who tried."""


def erase_by_age(now: datetime, real_now: datetime, *, batch: int = BATCH) -> dict[str, int]:
    """Erases what is older than the settings allow; returns how many of each kind.

    Messages age in real time, sessions and SDRs in business time. What is left over when there is
    very much goes with the next run.
    """
    before = {
        "messages": real_now - timedelta(days=settings.RETENTION_MESSAGES_DAYS),
        "identifications": real_now - timedelta(days=settings.RETENTION_IDENTIFICATIONS_DAYS),
        "business": now - timedelta(days=settings.RETENTION_PERSONAL_DATA_DAYS),
    }
    total: Counter[str] = Counter()
    for _ in range(_MOST_BATCHES):
        done = erase_old(before, real_now, batch)
        total.update(done)
        if all(count < batch for count in done.values()):
            break
    return dict(total)


def erase_holder_of(identification: str, real_now: datetime) -> dict[str, int]:
    """Erases what is stored in clear about the holder of a token or contract, whatever its age."""
    text = identification.strip()
    hmacs: list[bytes] = []
    with contextlib.suppress(IdentifierError):
        hmacs.append(token_fingerprint(TokenUid.parse(text).key))
    with contextlib.suppress(IdentifierError):
        contract = ContractId.parse(text, opaque=True)
        # A session that was opened with a contract id alone is found by it as its token.
        hmacs += [contract_fingerprint(contract), emaid_token_fingerprint(contract)]
    if not hmacs or len(text) < _SHORTEST:
        raise ErasureError("That is neither a token UID nor a contract id (8 to 36 characters).")
    return erase_person(hmacs, text, real_now)
