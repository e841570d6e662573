"""6.4.1, transaction hub switch: route, journal, ask, and deliver what waits.

The only code that talks to other platforms, through `roaming.ports`.
"""

from roaming.hub_switch.asking import ask, encrypt_secret
from roaming.hub_switch.claiming import give_up_overdue
from roaming.hub_switch.delivering import deliver_due, keep_delivering, send_now
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.handshaking import parties_of, shake_hands
from roaming.hub_switch.journal import (
    JournalLine,
    Verdict,
    close_unanswered,
    write_admission,
    write_verdict,
    write_verdicts,
)
from roaming.hub_switch.probing import probe_endpoints
from roaming.hub_switch.rights import known_rights
from roaming.hub_switch.route import Route, find_route, held_party, known_party

__all__ = [
    "Envelope",
    "JournalLine",
    "Route",
    "Verdict",
    "ask",
    "close_unanswered",
    "deliver_due",
    "encrypt_secret",
    "find_route",
    "give_up_overdue",
    "held_party",
    "keep_delivering",
    "known_party",
    "known_rights",
    "parties_of",
    "probe_endpoints",
    "send_now",
    "shake_hands",
    "write_admission",
    "write_verdict",
    "write_verdicts",
]
