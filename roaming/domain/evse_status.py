"""Dynamic status of EV supply equipment (IEC 63119-2, 8.1, UC1-3), in OCPI's vocabulary."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from roaming.domain.moments import CLOCK_TOLERANCE, check_moment
from roaming.domain.refusals import Refusal


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


class EvseStatusMessage(msgspec.Struct, kw_only=True, frozen=True):
    """UC1-3, native form. Unknown extra fields are passed on; `time_to_live_s` in seconds.

    Left out, the clearing house's own time to live counts. Past it the status is UNKNOWN.
    """

    state: EvseState
    stamped_at: datetime
    time_to_live_s: int | None = None
    evse_id: str | None = None


class EvseStatusLine(EvseStatusMessage, kw_only=True, frozen=True):
    """One status of many: says which EVSE."""

    evse_id: str


class EvseStatusNotice(msgspec.Struct, kw_only=True, frozen=True):
    """What home-CSPs receive on `uc1-3/evse-statuses`: of one CSO, the newest status of each EVSE.

    Each as its CSO sent it, with `expires_at`. Where a newer one came while this one waited, only
    the newer one is sent.
    """

    visited_cso: str
    statuses: list[msgspec.Raw]


def check_status(message: EvseStatusMessage, now: datetime, longest_s: int) -> None:
    """Refuses a stamp without offset or from the future, and a time to live that is none.

    A stamp may run ahead as far as a clock may be wrong.
    """
    check_moment(message.stamped_at, "stamped_at")
    if message.stamped_at > now + CLOCK_TOLERANCE:
        raise Refusal("invalid_field", "The time lies in the future.", "stamped_at")
    life_s = message.time_to_live_s
    if life_s is not None and not 1 <= life_s <= longest_s:
        raise Refusal("invalid_field", f"From 1 to {longest_s} seconds.", "time_to_live_s")


def expiry_of(message: EvseStatusMessage, default_s: int) -> datetime:
    """When the status becomes UNKNOWN: its time to live counts from its stamp.

    >>> stamp = datetime(2026, 10, 5, 8)
    >>> message = EvseStatusMessage(state=EvseState.CHARGING, stamped_at=stamp, time_to_live_s=60)
    >>> expiry_of(message, 3600).isoformat()
    '2026-10-05T08:01:00'
    """
    life_s = message.time_to_live_s if message.time_to_live_s is not None else default_s
    return message.stamped_at + timedelta(seconds=life_s)
