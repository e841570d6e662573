"""The life of a reservation of an EVSE (IEC 63119-2, 8.3, UC3-8)."""

from __future__ import annotations

from enum import StrEnum


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
        {ReservationState.REJECTED, ReservationState.RESERVED, ReservationState.CANCELLED}
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
    ReservationState.CANCELLED: frozenset(),
    # The clearing house sees the time run out first; the visited-CSO may then say it was a no-show.
    ReservationState.EXPIRED: frozenset({ReservationState.NO_SHOW}),
    ReservationState.NO_SHOW: frozenset(),
}


def reservation_may_become(current: ReservationState, following: ReservationState) -> bool:
    """Whether a reservation may go from `current` to `following`.

    >>> reservation_may_become(ReservationState.RESERVED, ReservationState.NO_SHOW)
    True
    """
    return following in _NEXT[current]
