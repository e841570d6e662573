"""Identifications that a home-CSP distributes for offline use (UC4-2), as they arrive and go on."""

from __future__ import annotations

import uuid
from typing import Literal

import msgspec

from roaming.domain.sdr.message import Moment

KINDS = ("RFID", "APP_USER", "EMAID", "OTHER")


class IdentificationEntry(msgspec.Struct, kw_only=True, frozen=True):
    """One identification of a home-CSP. Unknown extra fields are kept and passed on.

    `kind` is RFID (a UID of 8, 14 or 20 hexadecimal digits), APP_USER, EMAID (the contract id is
    the token) or OTHER. `valid` false: blocked. `whitelist` says who decides: ALWAYS (this data),
    ALLOWED (this data where the home-CSP is silent), ALLOWED_OFFLINE (only where it cannot be
    reached at all), NEVER (the home-CSP alone). What is older than what is stored is ignored.
    """

    token_uid: str
    contract_id: str = ""
    kind: str = "RFID"
    valid: bool = True
    whitelist: str = "NEVER"
    expires_at: Moment | None = None
    last_updated: Moment
    removed: bool = False
    """True: it is distributed no longer; `token_uid`, `kind` and `last_updated` are enough then."""


class IdentificationsMessage(msgspec.Struct, kw_only=True, frozen=True):
    """UC4-2 as a visited-CSO's platform receives it; entries are as the home-CSP sent them.

    Messages of one home-CSP come in order. `delta`: what is new, changed or removed. `full`: with
    the last of its `parts` (1 to `parts`, all with one `list_id`) the list is complete, and what
    is not in it is distributed no longer.
    """

    home_csp: str
    scope: Literal["full", "delta"]
    list_id: uuid.UUID
    part: int
    parts: int
    identifications: list[IdentificationEntry]
