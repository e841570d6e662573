"""Asynchronous transactions: asked, answered at once, ended by a result (IEC 63119-2, 8.3, 8.5).

UC3-2, UC3-4, UC3-8, UC5-2 and UC5-3 share this life: the receiver accepts or rejects at once, and
says later what came of it. That nothing came in time is an outcome of its own, never a guess.
"""

from __future__ import annotations

from enum import StrEnum


class CommandKind(StrEnum):
    """What the receiver is asked to do."""

    START = "start"
    STOP = "stop"
    RESERVE = "reserve"
    CANCEL_RESERVATION = "cancel_reservation"
    UNLOCK = "unlock"


class CommandState(StrEnum):
    """Where a command stands. TIMED_OUT may still be followed by a late result."""

    ASKED = "asked"
    NOT_REACHED = "not_reached"
    """The receiver could not be asked, or its answer was not understood."""
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    """Taken; its result is awaited."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


_NEXT: dict[CommandState, frozenset[CommandState]] = {
    # A result may overtake the answer, and may follow a receiver that did not answer in time.
    CommandState.ASKED: frozenset(CommandState) - {CommandState.ASKED},
    CommandState.NOT_REACHED: frozenset({CommandState.SUCCEEDED, CommandState.FAILED}),
    CommandState.REJECTED: frozenset(),
    CommandState.ACCEPTED: frozenset(
        {CommandState.SUCCEEDED, CommandState.FAILED, CommandState.TIMED_OUT}
    ),
    CommandState.SUCCEEDED: frozenset(),
    CommandState.FAILED: frozenset(),
    CommandState.TIMED_OUT: frozenset({CommandState.SUCCEEDED, CommandState.FAILED}),
}


def command_may_become(current: CommandState, following: CommandState) -> bool:
    """Whether a command may go from `current` to `following`.

    >>> command_may_become(CommandState.TIMED_OUT, CommandState.SUCCEEDED)
    True
    >>> command_may_become(CommandState.SUCCEEDED, CommandState.FAILED)
    False
    """
    return following in _NEXT[current]
