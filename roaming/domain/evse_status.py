"""Dynamic status of EV supply equipment (IEC 63119-2, 8.1, UC1-3), in OCPI's vocabulary."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum


class EvseState(StrEnum):
    """What an EVSE is doing, as its visited-CSO says."""

    AVAILABLE = "AVAILABLE"
    BLOCKED = "BLOCKED"
    CHARGING = "CHARGING"
    INOPERATIVE = "INOPERATIVE"
    OUTOFORDER = "OUTOFORDER"
    PLANNED = "PLANNED"
    REMOVED = "REMOVED"
    RESERVED = "RESERVED"
    UNKNOWN = "UNKNOWN"


def state_at(state: str, expires_at: datetime | None, now: datetime) -> EvseState:
    """What may be told of an EVSE at `now`: past its time to live a status is UNKNOWN.

    >>> state_at("AVAILABLE", datetime(2026, 10, 5), datetime(2026, 10, 6)).value
    'UNKNOWN'
    """
    if expires_at is not None and expires_at <= now:
        return EvseState.UNKNOWN
    return EvseState(state)
