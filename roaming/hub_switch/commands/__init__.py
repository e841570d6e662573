"""The common life of asynchronous transactions (6.4.1; UC3-2, UC3-4, UC3-8, UC5-2, UC5-3).

`opening` leaves the row and its admission, `answering` asks the visited-CSO live and keeps its
answer, `results` takes what came of it and tells the asker, `time_outs` tells it that nothing came.
What each means for the session and the reservation stands in `consequences`.

Locks are taken in this order, everywhere: command, reservation, session.
"""

from roaming.hub_switch.commands.answering import carry_out
from roaming.hub_switch.commands.opening import CommandWish, open_command, recall_command
from roaming.hub_switch.commands.results import result_parcel, take_result
from roaming.hub_switch.commands.sessions import SessionDraft, open_session
from roaming.hub_switch.commands.time_outs import time_out_commands

__all__ = [
    "CommandWish",
    "SessionDraft",
    "carry_out",
    "open_command",
    "open_session",
    "recall_command",
    "result_parcel",
    "take_result",
    "time_out_commands",
]
