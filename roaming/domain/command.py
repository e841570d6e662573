"""Asynchronous transactions: asked, answered at once, ended by a result (IEC 63119-2, 8.3, 8.5).

UC3-2, UC3-4, UC3-8, UC5-2 and UC5-3 share this life: the receiver accepts or rejects at once, and
says later what came of it. That nothing came in time is an outcome of its own, never a guess.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from roaming.domain.wire_text import check_line, on_one_line


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

    @property
    def is_result(self) -> bool:
        """Whether the receiver has said what came of it."""
        return self in (CommandState.SUCCEEDED, CommandState.FAILED)

    @property
    def is_under_way(self) -> bool:
        """Whether an answer or a result is still awaited."""
        return self in (CommandState.ASKED, CommandState.ACCEPTED)


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


LONGEST_REASON, LONGEST_NOTE, LONGEST_ID = 60, 300, 64
# How long a result may take where the visited-CSO does not say.
USUAL_RESULT_S = 60


class CommandAnswer(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the visited-CSO answers to a command at once; what came of it follows as a result.

    `timeout_s`: within how many seconds of real time its result comes (60 where it does not say).
    `reason`: a word for machines, up to 60 characters; `note`: words for the user, up to 300.
    """

    response: Literal["ACCEPTED", "REJECTED"]
    reason: str = ""
    note: str = ""
    timeout_s: Annotated[int, msgspec.Meta(ge=0)] | None = None

    @property
    def accepted(self) -> bool:
        return self.response == "ACCEPTED"

    def result_within_s(self, longest: int) -> int:
        """Seconds until the result is due, from 1 to `longest`.

        >>> CommandAnswer(response="ACCEPTED", timeout_s=30).result_within_s(300)
        30
        >>> CommandAnswer(response="ACCEPTED", timeout_s=86_400).result_within_s(300)
        300
        """
        announced = USUAL_RESULT_S if self.timeout_s is None else self.timeout_s
        return max(1, min(announced, longest))


def read_command_answer(body: bytes) -> CommandAnswer:
    """The answer in a response's body. Raises ValueError where it is none.

    The charging station may be at work already: a text too long or unprintable spoils no answer,
    it is cut and cleaned.

    >>> read_command_answer(b'{"response": "REJECTED", "note": "two\\\\nlines"}').note
    'two lines'
    """
    answer = msgspec.json.decode(body, type=CommandAnswer)
    return msgspec.structs.replace(
        answer,
        reason=on_one_line(answer.reason)[:LONGEST_REASON],
        note=on_one_line(answer.note)[:LONGEST_NOTE],
    )


class CommandResult(msgspec.Struct, kw_only=True, frozen=True):
    """What came of a command, as the visited-CSO reports it once.

    `cso_session_id`: its own id of the session that started; `cso_reference`: of the reservation.
    """

    result: Literal["SUCCEEDED", "FAILED"]
    reason: str = ""
    note: str = ""
    cso_session_id: str | None = None
    cso_reference: str | None = None

    @property
    def state(self) -> CommandState:
        return CommandState(self.result.lower())


_LONGEST_OF_A_RESULT = {
    "reason": LONGEST_REASON,
    "note": LONGEST_NOTE,
    "cso_session_id": LONGEST_ID,
    "cso_reference": LONGEST_ID,
}


def read_result(message: CommandResult) -> CommandResult:
    """The result with its note on one line. Refuses invalid_field for texts that cannot be kept.

    >>> read_result(CommandResult(result="FAILED", note="Plug\\tin first.")).note
    'Plug in first.'
    """
    cleaned = msgspec.structs.replace(message, note=on_one_line(message.note))
    for name, longest in _LONGEST_OF_A_RESULT.items():
        check_line(getattr(cleaned, name), longest, name)
    return cleaned


class CommandResultNotice(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the home-CSP receives when its command has ended.

    TIMED_OUT: no result came in the time that the visited-CSO announced. One may follow all the
    same, with `late`. Known by `command_id`: a result may arrive before the answer to the command.
    """

    command_id: str
    use_case: str
    result: Literal["SUCCEEDED", "FAILED", "TIMED_OUT"]
    reason: str = ""
    note: str = ""
    late: bool = False
    visited_cso: str
    home_csp: str
    evse_id: str | None = None
    connector_id: str | None = None
    service_session_id: str | None = None
    reservation_id: str | None = None
    csp_session_id: str | None = None
    cso_session_id: str | None = None
    cso_reference: str | None = None
    at: str
