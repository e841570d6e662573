"""Commands of a home-CSP (UC3-2, UC3-4, UC3-8, UC5-2, UC5-3), and what came of them."""

from __future__ import annotations

from typing import Any

from roaming.api.webhooks import examples as sent
from roaming.api.webhooks.webhook import LIVE, STORED, Webhook
from roaming.domain.command import CommandAnswer, CommandResultNotice
from roaming.domain.reservation import ReservationOutcomeNotice
from roaming.domain.unlocking import UnlockCommand
from roaming.use_cases.reservation_ends import CancelReservationCommand
from roaming.use_cases.uc3_02_start_remotely import RemoteStartCommand
from roaming.use_cases.uc3_04_stop_via_home_csp import StopCommand
from roaming.use_cases.uc3_08_reservation import ReserveCommand

_ANSWERS = {
    "Taken; its result follows": sent.COMMAND_ACCEPTED,
    "Not taken": sent.COMMAND_REJECTED,
}
_TAKEN = (
    "Whether you take the command, at once. What came of it follows as "
    "`POST /api/v1/commands/{command_id}/result`, within the seconds that you announced."
)
_NOT_TAKEN = "The home-CSP is told `receiver_refused`; the command has ended."


def _command(path: str, tag: str, summary: str, message: type, example: Any) -> Webhook:
    return Webhook(
        path,
        tag,
        summary,
        message,
        {"The command": example},
        CommandAnswer,
        _ANSWERS,
        when=LIVE,
        taken=_TAKEN,
        refused=_NOT_TAKEN,
    )


def _result(path: str, tag: str, example: Any) -> Webhook:
    use_case = tag.split(" ", maxsplit=1)[0]
    return Webhook(
        path,
        tag,
        "What came of your command",
        CommandResultNotice,
        {
            "It worked": {**example, "use_case": use_case},
            "No result came in time": {**example, "use_case": use_case, "result": "TIMED_OUT"},
        },
        when=f"{STORED} Known by its `command_id`: it may come before the answer to the command.",
    )


START, STOP, RESERVATION = "UC3-2 Start remotely", "UC3-4 Stop energy transfer", "UC3-8 Reservation"
UNLOCK, UNLOCK_EVSE = (
    "UC5-2 Cable unlocking after activation",
    "UC5-3 Cable unlocking when activation failed",
)

REMOTE_START = (
    _command(
        "uc3-2/remote-start",
        START,
        "A home-CSP starts a charge for its user: take or reject it",
        RemoteStartCommand,
        sent.REMOTE_START_COMMAND,
    ),
    _result("uc3-2/result", START, sent.COMMAND_RESULT),
)
STOPPING = (
    _command(
        "uc3-4/stop",
        STOP,
        "A home-CSP stops the charge of its user: take or reject it",
        StopCommand,
        sent.STOP_COMMAND,
    ),
    _result("uc3-4/result", STOP, sent.COMMAND_RESULT),
)
RESERVING = (
    _command(
        "uc3-8/reservation",
        RESERVATION,
        "A home-CSP reserves an EVSE for its user, or changes the window",
        ReserveCommand,
        sent.RESERVE_COMMAND,
    ),
    _command(
        "uc3-8/cancellation",
        RESERVATION,
        "A home-CSP cancels a reservation",
        CancelReservationCommand,
        sent.CANCEL_COMMAND,
    ),
    _result("uc3-8/result", RESERVATION, sent.RESERVATION_RESULT),
    Webhook(
        "uc3-8/outcome",
        RESERVATION,
        "A reservation ended by itself, without a start",
        ReservationOutcomeNotice,
        {"The user did not come": sent.RESERVATION_OUTCOME},
    ),
)
UNLOCKING = (
    _command(
        "uc5-2/unlock",
        UNLOCK,
        "Emergency: the cable of a session is to be released",
        UnlockCommand,
        sent.UNLOCK_COMMAND,
    ),
    _result("uc5-2/result", UNLOCK, sent.COMMAND_RESULT),
    _command(
        "uc5-3/unlock",
        UNLOCK_EVSE,
        "Emergency: a cable is to be released where no session came about",
        UnlockCommand,
        sent.UNLOCK_EVSE_COMMAND,
    ),
    _result("uc5-3/result", UNLOCK_EVSE, sent.UNLOCK_EVSE_RESULT),
)
