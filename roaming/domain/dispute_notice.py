"""What platforms are told of disputes: the message of `reconciliation/disputes` (6.4.2)."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

import msgspec

DISPUTES_PATH = "reconciliation/disputes"


class DisputeNotice(msgspec.Struct, kw_only=True, frozen=True):
    """A step of a dispute about an SDR of yours; `reconciliation/disputes/{id}` has all of it.

    `state`: whose turn it is (`respondent` is the visited-CSO, `claimant` the home-CSP, `review`
    the clearing house), or `resolved` or `withdrawn`. `amount` is what it ended at.
    """

    dispute_id: int
    sdr_id: uuid.UUID
    sdr_reference: str
    visited_cso: str
    home_csp: str
    step: str
    by: str
    by_silence: bool
    at: datetime
    state: str
    reason: str
    text: str
    currency: str
    claim: Decimal
    undisputed: Decimal
    offered: Decimal | None
    result: str
    amount: Decimal | None
    respond_by: datetime | None
