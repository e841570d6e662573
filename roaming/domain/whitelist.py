"""Whitelist policies: when distributed data decides instead of the home-CSP (UC4-2; domain.md).

The policy travels with each identification that a home-CSP distributes. It binds the clearing house
and the visited-CSO alike, wherever their agreement covers offline identification.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Whitelist(StrEnum):
    """Who decides on this identification."""

    ALWAYS = "ALWAYS"
    """The distributed data decides; the home-CSP is not asked, only told."""
    ALLOWED = "ALLOWED"
    """The home-CSP decides. Its silence is enough to fall back on the data: it may be online and
    merely slow, and a clearing house or CSO that is online itself may still use the list."""
    ALLOWED_OFFLINE = "ALLOWED_OFFLINE"
    """The home-CSP decides. Only where it cannot be reached at all may the data be used: a CSP that
    was reached and has not answered in time is waited for, never stood in for."""
    NEVER = "NEVER"
    """The home-CSP decides, or nobody does."""


# Troubles (codes of the refusal catalogue) in which there may be no way to the CSP. One that did
# not answer several times in a row (receiver_offline) counts as such until it answers a probe.
UNREACHABLE = frozenset({"receiver_not_connected", "receiver_offline", "receiver_timed_out"})
# Troubles in which no answer came. An answer that is broken or an HTTP error is one: what it meant
# is not for us to guess, and it may have been a no.
SILENT = UNREACHABLE | {"receiver_overloaded"}


def may_stand_in(policy: Whitelist, trouble: str, *, reached: bool) -> bool:
    """Whether distributed data may decide after asking the home-CSP failed with `trouble`.

    `reached`: the question may have arrived; False where there never was a connection to send it.

    >>> may_stand_in(Whitelist.ALLOWED, "receiver_timed_out", reached=True)
    True
    >>> may_stand_in(Whitelist.ALLOWED_OFFLINE, "receiver_timed_out", reached=True)
    False
    >>> may_stand_in(Whitelist.ALLOWED_OFFLINE, "receiver_timed_out", reached=False)
    True
    >>> may_stand_in(Whitelist.ALLOWED_OFFLINE, "receiver_not_connected", reached=False)
    True
    >>> may_stand_in(Whitelist.ALLOWED_OFFLINE, "receiver_not_connected", reached=True)
    False
    >>> may_stand_in(Whitelist.ALLOWED, "receiver_answered_rubbish", reached=True)
    False
    """
    if policy is Whitelist.ALLOWED:
        return trouble in SILENT
    return policy is Whitelist.ALLOWED_OFFLINE and trouble in UNREACHABLE and not reached


@dataclass(frozen=True, slots=True)
class Distributed:
    """What a home-CSP distributed of one identification, as it stood at some moment."""

    whitelist: Whitelist
    valid: bool
    expires_at: datetime | None
    removed: bool = False


def why_not(distributed: Distributed, at: datetime) -> str:
    """Why the data says no `at` that moment (aware): removed, blocked, expired; empty: it says yes.

    Expiry is honoured when the data is read: at `expires_at` itself it has expired.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 10, 5, 12, 0, tzinfo=UTC)
    >>> why_not(Distributed(Whitelist.ALWAYS, True, noon), noon)
    'expired'
    >>> why_not(Distributed(Whitelist.ALWAYS, True, None), noon)
    ''
    """
    if distributed.removed:
        return "removed"
    if not distributed.valid:
        return "blocked"
    if distributed.expires_at is not None and distributed.expires_at <= at:
        return "expired"
    return ""
