"""The life of a reservation of an EVSE (IEC 63119-2, 8.3, UC3-8)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from roaming.domain.sdr import IdentificationPart
from roaming.domain.session import SessionState


class ReservationState(StrEnum):
    """From the wish to its end."""

    REQUESTED = "requested"
    REJECTED = "rejected"
    RESERVED = "reserved"
    FULFILLED = "fulfilled"
    """The user came and started."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """It ran out, and the visited-CSO claims nothing for it."""
    NO_SHOW = "no_show"
    """It ran out unused; the visited-CSO sends an SDR for it."""

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


_NEXT: dict[ReservationState, frozenset[ReservationState]] = {
    ReservationState.REQUESTED: frozenset(
        {
            ReservationState.REJECTED,
            ReservationState.RESERVED,
            ReservationState.CANCELLED,
            ReservationState.EXPIRED,  # its time ran out before anybody said yes
        }
    ),
    ReservationState.REJECTED: frozenset(),
    ReservationState.RESERVED: frozenset(
        {
            ReservationState.FULFILLED,
            ReservationState.CANCELLED,
            ReservationState.EXPIRED,
            ReservationState.NO_SHOW,
        }
    ),
    ReservationState.FULFILLED: frozenset(),
    # A start that was under way when it was cancelled may have worked: a car charges.
    ReservationState.CANCELLED: frozenset({ReservationState.FULFILLED}),
    # The clearing house sees the time run out first; the visited-CSO may then say it was a no-show,
    # or that the user had come in time: the result of a remote start may be late.
    ReservationState.EXPIRED: frozenset({ReservationState.NO_SHOW, ReservationState.FULFILLED}),
    # A start may have been timed out when the visited-CSO gave the user up: it worked all the same.
    ReservationState.NO_SHOW: frozenset({ReservationState.FULFILLED}),
}

# The session that a reservation opened follows it: a no-show completes it, for its SDR is due.
SESSION_FOLLOWS: dict[ReservationState, SessionState] = {
    ReservationState.REQUESTED: SessionState.REQUESTED,
    ReservationState.REJECTED: SessionState.REFUSED,
    ReservationState.RESERVED: SessionState.RESERVED,
    ReservationState.FULFILLED: SessionState.AUTHORISED,
    ReservationState.CANCELLED: SessionState.CANCELLED,
    ReservationState.EXPIRED: SessionState.CANCELLED,
    ReservationState.NO_SHOW: SessionState.COMPLETED,
}


def reservation_may_become(current: ReservationState, following: ReservationState) -> bool:
    """Whether a reservation may go from `current` to `following`.

    >>> reservation_may_become(ReservationState.RESERVED, ReservationState.NO_SHOW)
    True
    """
    return following in _NEXT[current]


class ReservationWish(msgspec.Struct, kw_only=True, frozen=True):
    """UC3-8 as the home-CSP sends it. `reference` is its own id of the reservation.

    Without `starts_at` it begins at once. With `change` it asks for another window, or connector,
    of the reservation with this reference; the EVSE, the user and the ids stay.
    """

    home_csp: str
    evse_id: str
    reference: str
    identification: IdentificationPart
    expires_at: datetime
    starts_at: datetime | None = None
    connector_id: str | None = None
    authorization_reference: str | None = None
    csp_session_id: str | None = None
    change: bool = False


class ReservationEnd(msgspec.Struct, kw_only=True, frozen=True):
    """What the visited-CSO says of a reservation that ended without a start.

    EXPIRED: nothing is claimed. NO_SHOW: the user did not come, and an SDR follows. CANCELLED: the
    EVSE cannot be kept for the user, for example because it broke.
    """

    outcome: Literal["EXPIRED", "NO_SHOW", "CANCELLED"]
    reason: str = ""

    @property
    def state(self) -> ReservationState:
        return ReservationState(self.outcome.lower())


class ReservationOutcomeNotice(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What both parties are told of a reservation that ended by itself, without a start.

    The visited-CSO receives it where the clearing house saw the time run out. `at`: when.
    """

    reservation_id: str
    service_session_id: str
    reference: str
    cso_reference: str | None = None
    outcome: Literal["EXPIRED", "NO_SHOW", "CANCELLED"]
    reason: str = ""
    visited_cso: str
    home_csp: str
    evse_id: str
    at: str
