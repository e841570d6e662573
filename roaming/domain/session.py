"""The life of a service session as the switch sees it (IEC 63119-2, 5.7; UC3-1 to UC3-5)."""

from __future__ import annotations

from enum import StrEnum


class SessionState(StrEnum):
    """From the first question to the end."""

    REQUESTED = "requested"
    REFUSED = "refused"
    AUTHORISED = "authorised"
    COMPLETED = "completed"

    @property
    def label(self) -> str:
        return self.value.capitalize()


_NEXT: dict[SessionState, frozenset[SessionState]] = {
    SessionState.REQUESTED: frozenset({SessionState.REFUSED, SessionState.AUTHORISED}),
    SessionState.REFUSED: frozenset(),
    SessionState.AUTHORISED: frozenset({SessionState.COMPLETED}),
    SessionState.COMPLETED: frozenset(),
}


def may_become(current: SessionState, following: SessionState) -> bool:
    """Whether a session may go from `current` to `following`; a repetition changes nothing.

    >>> may_become(SessionState.AUTHORISED, SessionState.COMPLETED)
    True
    >>> may_become(SessionState.REFUSED, SessionState.COMPLETED)
    False
    """
    return following in _NEXT[current]
