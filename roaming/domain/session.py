"""The life of a service session as the switch sees it (IEC 63119-2, 5.7; UC3-1 to UC3-8)."""

from __future__ import annotations

from enum import StrEnum


class SessionState(StrEnum):
    """From the first question to the end."""

    REQUESTED = "requested"
    """Asked for; nobody has said yes yet, or a remote start has not reported its result."""
    REFUSED = "refused"
    RESERVED = "reserved"
    """A reservation holds the EVSE; nobody has identified there yet."""
    AUTHORISED = "authorised"
    """The user may charge."""
    ACTIVE = "active"
    """The visited-CSO has reported dynamic charging information (UC3-6)."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    """Ended before anything was provided: reservation cancelled or expired, user went away."""

    @property
    def label(self) -> str:
        return self.value.capitalize()

    @property
    def is_over(self) -> bool:
        return not _NEXT[self]


_NEXT: dict[SessionState, frozenset[SessionState]] = {
    SessionState.REQUESTED: frozenset(
        {
            SessionState.REFUSED,
            SessionState.RESERVED,
            SessionState.AUTHORISED,
            SessionState.ACTIVE,  # a remote start whose result was lost: it charges all the same
            SessionState.CANCELLED,
        }
    ),
    SessionState.REFUSED: frozenset(),
    SessionState.RESERVED: frozenset(
        {SessionState.AUTHORISED, SessionState.COMPLETED, SessionState.CANCELLED}
    ),
    SessionState.AUTHORISED: frozenset(
        {SessionState.ACTIVE, SessionState.COMPLETED, SessionState.CANCELLED}
    ),
    SessionState.ACTIVE: frozenset({SessionState.COMPLETED}),
    SessionState.COMPLETED: frozenset(),
    SessionState.CANCELLED: frozenset(),
}


def may_become(current: SessionState, following: SessionState) -> bool:
    """Whether a session may go from `current` to `following`; a repetition changes nothing.

    >>> may_become(SessionState.AUTHORISED, SessionState.COMPLETED)
    True
    >>> may_become(SessionState.REFUSED, SessionState.COMPLETED)
    False
    """
    return following in _NEXT[current]


# The user may charge, or does: plans and live values concern these.
RUNNING = frozenset({SessionState.AUTHORISED, SessionState.ACTIVE})
# Something is still to come; the clearing house waits for news.
OPEN = frozenset(state for state in SessionState if not state.is_over)
# Nobody said yes to these, or nothing was provided: an SDR of theirs is without authorisation.
WITHOUT_AUTHORISATION = frozenset(
    {SessionState.REQUESTED, SessionState.REFUSED, SessionState.CANCELLED}
)


def completion_allowed(current: SessionState, *, started_remotely: bool) -> bool:
    """Whether the visited-CSO may complete a session that stands so.

    `started_remotely`: the home-CSP asked for the start and the visited-CSO has not said no. A
    start whose result was lost on the way has charged all the same, and must not be stranded.

    >>> completion_allowed(SessionState.REQUESTED, started_remotely=True)
    True
    >>> completion_allowed(SessionState.REQUESTED, started_remotely=False)
    False
    """
    if current is SessionState.REQUESTED:
        return started_remotely
    return may_become(current, SessionState.COMPLETED)
