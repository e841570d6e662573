"""Maintenance and outages as they arrive (IEC 63119-2, 8.5, UC5-1): planned or not, from - to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from roaming.domain.moments import CLOCK_TOLERANCE, check_moment
from roaming.domain.refusals import Refusal

MOST_EVSES, MOST_SITES = 5_000, 1_000


class OutageKind(StrEnum):
    """Known before, or not."""

    PLANNED = "PLANNED"
    UNPLANNED = "UNPLANNED"


class OutageState(StrEnum):
    """Announced, over, or called off."""

    ANNOUNCED = "ANNOUNCED"
    ENDED = "ENDED"
    CANCELLED = "CANCELLED"


class OutageMessage(msgspec.Struct, kw_only=True, frozen=True):
    """UC5-1, native form: which EVSEs or whole sites, from - to. Without `ends_at`: not known yet.

    A later message with the same id and a newer `last_updated` changes it: ENDED says when it was
    over, CANCELLED that it does not take place; both may leave the EVSEs out. Unknown extra fields
    are kept and passed on.
    """

    id: str
    visited_cso: str
    kind: OutageKind
    state: OutageState = OutageState.ANNOUNCED
    starts_at: datetime
    ends_at: datetime | None = None
    description: str = ""
    evse_ids: list[str] = []
    site_ids: list[str] = []
    last_updated: datetime


def check_outage(message: OutageMessage, now: datetime) -> None:
    """Refuses an outage that cannot be: times without offset or in the wrong order, no place."""
    if not 1 <= len(message.id) <= 64 or not message.id.isascii() or not message.id.isprintable():
        raise Refusal("invalid_field", "An id has 1 to 64 printable ASCII characters.", "id")
    for name in ("last_updated", "starts_at", "ends_at"):
        moment: datetime | None = getattr(message, name)
        if moment is not None:
            check_moment(moment, name)
    if message.last_updated > now + CLOCK_TOLERANCE:
        raise Refusal("invalid_field", "The time lies in the future.", "last_updated")
    if message.ends_at is not None and message.ends_at <= message.starts_at:
        raise Refusal("invalid_field", "It must end after its start, or be cancelled.", "ends_at")
    if message.state is OutageState.ENDED:
        if message.ends_at is None:
            raise Refusal("invalid_field", "Say when it was over.", "ends_at")
        if message.ends_at > now + CLOCK_TOLERANCE:
            raise Refusal("invalid_field", "What ended cannot end later than now.", "ends_at")
    if len(message.description) > 500:
        raise Refusal("invalid_field", "At most 500 characters.", "description")
    for name, most in (("evse_ids", MOST_EVSES), ("site_ids", MOST_SITES)):
        if len(getattr(message, name)) > most:
            raise Refusal("invalid_field", f"At most {most} in an outage.", name)
