"""What a home-CSP's platform receives when a user identifies (UC3-1, UC3-3, UC4-1).

A question is answered with a `Decision`. With `decided` it is none: the clearing house has answered
in the home-CSP's place (domain.md, "who decides"), and any 2xx takes the news.
"""

from __future__ import annotations

import uuid

import msgspec

from roaming.domain.sdr import IdentificationPart


class DecidedByClearingHouse(msgspec.Struct, kw_only=True, frozen=True):
    """How the clearing house answered from distributed data. `offline_reason`: why it did."""

    decision: str
    authorised: str
    offline_reason: str
    authorization_reference: str
    liability: str
    """Who bears the risk of this start after the agreement: `home_csp` or `visited_cso`."""
    decided_at: str
    """RFC 3339, with its offset."""


class LocalStartQuestion(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """UC3-1: a user identified at an EVSE. Fields that we do not know follow as they were sent."""

    question_id: uuid.UUID
    """Names this exchange, in a withdrawal too; the same for every home-CSP of a broadcast."""
    service_session_id: uuid.UUID
    visited_cso: str
    home_csp: str
    evse_id: str
    connector_id: str | None = None
    cso_session_id: str | None = None
    identification: IdentificationPart
    requested_at: str
    broadcast: bool = False
    """True: others are asked too, and the first acceptance wins. Refuse whom you do not know."""
    decided: DecidedByClearingHouse | None = None


class PlugAndChargeQuestion(LocalStartQuestion, kw_only=True, frozen=True, omit_defaults=True):
    """UC3-3: a vehicle presented its contract certificate; the eMA-ID is token and contract.

    `certificate_hash_data` and `certificate_status` follow as they were sent, like other fields.
    """


class AuthorisationQuestion(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """UC4-1: who is this? Nothing starts. Fields that we do not know follow as they were sent."""

    question_id: uuid.UUID
    visited_cso: str
    home_csp: str
    evse_id: str | None = None
    identification: IdentificationPart
    requested_at: str
    broadcast: bool = False
    decided: DecidedByClearingHouse | None = None


class Withdrawal(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The home-CSP's acceptance counts for nothing: no session of it exists, no SDR will come.

    `reason`: `accepted_elsewhere` (another home-CSP was first), `accepted_too_late`, or `lost` (the
    clearing house lost the answer). `authorization_reference` is empty where no acceptance was
    heard: then forget whatever was answered to `question_id`.
    """

    question_id: uuid.UUID
    service_session_id: uuid.UUID | None = None
    use_case: str
    visited_cso: str
    home_csp: str
    authorization_reference: str = ""
    reason: str
